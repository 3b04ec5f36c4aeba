import { useQuery } from '@tanstack/react-query'
import { useEffect } from 'react'
import { bridge } from '../lib/bridge.ts'

/** Keeps `data-theme` on the document in step with the setting and, for "system", with the system. */
export function ThemeSync() {
  const settings = useQuery({ queryKey: ['settings'], queryFn: () => bridge.invoke('settings.get', {}) })
  const theme = settings.data?.theme ?? 'system'
  useEffect(() => {
    const query = matchMedia('(prefers-color-scheme: dark)')
    const apply = () => {
      const isDark = theme === 'dark' || (theme === 'system' && query.matches)
      document.documentElement.dataset['theme'] = isDark ? 'dark' : 'light'
    }
    apply()
    query.addEventListener('change', apply)
    return () => query.removeEventListener('change', apply)
  }, [theme])
  return null
}
