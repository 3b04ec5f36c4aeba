import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { RouterProvider } from '@tanstack/react-router'
import { useEffect, useState } from 'react'
import { connectLiveQueries } from '../lib/live-queries.ts'
import { Toasts } from '../ui/Toasts.tsx'
import { createAppRouter } from './router.tsx'
import { ThemeSync } from './ThemeSync.tsx'

/** The window's whole content. */
export function App() {
  const [queryClient] = useState(createQueryClient)
  const [router] = useState(createAppRouter)
  useEffect(() => connectLiveQueries(queryClient), [queryClient])
  return (
    <QueryClientProvider client={queryClient}>
      <ThemeSync />
      <Toasts>
        <RouterProvider router={router} />
      </Toasts>
    </QueryClientProvider>
  )
}

// Main answers at once and tells of every change, so nothing is fetched again by time or focus.
function createQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: { retry: false, staleTime: Number.POSITIVE_INFINITY, refetchOnWindowFocus: false, networkMode: 'always' },
      mutations: { networkMode: 'always' },
    },
  })
}
