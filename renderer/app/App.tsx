import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { RouterProvider } from '@tanstack/react-router'
import { useEffect } from 'react'
import { connectLiveQueries } from '../lib/live-queries.ts'
import { Toasts } from '../ui/Toasts.tsx'
import { createAppRouter } from './router.tsx'
import { ThemeSync } from './ThemeSync.tsx'

// Main answers at once and tells of every change, so nothing is fetched again by time or focus.
const queryClient = new QueryClient({
  defaultOptions: {
    queries: { retry: false, staleTime: Number.POSITIVE_INFINITY, refetchOnWindowFocus: false, networkMode: 'always' },
    mutations: { networkMode: 'always' },
  },
})
const router = createAppRouter()

/** The window's whole content. */
export function App() {
  useEffect(() => connectLiveQueries(queryClient), [])
  return (
    <QueryClientProvider client={queryClient}>
      <ThemeSync />
      <Toasts>
        <RouterProvider router={router} />
      </Toasts>
    </QueryClientProvider>
  )
}
