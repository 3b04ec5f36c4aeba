import { createHashHistory, createRootRoute, createRoute, createRouter, redirect } from '@tanstack/react-router'
import { z } from 'zod'
import { AdapterPage } from '../features/adapters/AdapterPage.tsx'
import { AdaptersPage } from '../features/adapters/AdaptersPage.tsx'
import { CostsPage } from '../features/costs/CostsPage.tsx'
import { datasetSearchSchema } from '../features/datasets/dataset-tabs.ts'
import { DatasetPage } from '../features/datasets/DatasetPage.tsx'
import { DatasetsPage } from '../features/datasets/DatasetsPage.tsx'
import { EndpointsPage } from '../features/endpoints/EndpointsPage.tsx'
import { NewEndpointPage } from '../features/endpoints/setup/NewEndpointPage.tsx'
import { NewRunPage } from '../features/runs/NewRunPage.tsx'
import { RunPage } from '../features/runs/RunPage.tsx'
import { RunsPage } from '../features/runs/RunsPage.tsx'
import { SettingsPage } from '../features/settings/SettingsPage.tsx'
import { ErrorNote } from '../ui/ErrorNote.tsx'
import { Shell } from './Shell.tsx'

const rootRoute = createRootRoute({
  component: Shell,
  errorComponent: ({ error }) => <ErrorNote error={error} onRetry={() => location.reload()} />,
  notFoundComponent: () => <p className="page-note">This page does not exist. Choose another one in the sidebar.</p>,
})

const newRunSearchSchema = z.object({ dataset: z.string().optional() })

const routeTree = rootRoute.addChildren([
  createRoute({
    getParentRoute: () => rootRoute,
    path: '/',
    beforeLoad: () => {
      // The router's redirect is a value made to be thrown.
      throw redirect({ to: '/datasets' })
    },
  }),
  createRoute({ getParentRoute: () => rootRoute, path: '/datasets', component: DatasetsPage }),
  createRoute({
    getParentRoute: () => rootRoute,
    path: '/datasets/$datasetId',
    component: DatasetPage,
    validateSearch: datasetSearchSchema,
  }),
  createRoute({ getParentRoute: () => rootRoute, path: '/runs', component: RunsPage }),
  createRoute({ getParentRoute: () => rootRoute, path: '/runs/new', component: NewRunPage, validateSearch: newRunSearchSchema }),
  createRoute({ getParentRoute: () => rootRoute, path: '/runs/$runId', component: RunPage }),
  createRoute({ getParentRoute: () => rootRoute, path: '/adapters', component: AdaptersPage }),
  createRoute({ getParentRoute: () => rootRoute, path: '/adapters/$adapterId', component: AdapterPage }),
  createRoute({ getParentRoute: () => rootRoute, path: '/endpoints', component: EndpointsPage }),
  createRoute({ getParentRoute: () => rootRoute, path: '/endpoints/new', component: NewEndpointPage }),
  createRoute({ getParentRoute: () => rootRoute, path: '/costs', component: CostsPage }),
  createRoute({ getParentRoute: () => rootRoute, path: '/settings', component: SettingsPage }),
])

/** The pages of the app by address. */
export function createAppRouter() {
  return createRouter({
    routeTree,
    history: createHashHistory(),
    // A page that fails leaves the sidebar and header usable.
    defaultErrorComponent: ({ error, reset }) => <ErrorNote error={error} onRetry={reset} />,
  })
}

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof createAppRouter>
  }
}
