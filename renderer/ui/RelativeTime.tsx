import { useEffect, useState } from 'react'
import { formatAgo, formatMoment } from '../lib/format.ts'

const refreshMs = 30_000

/** How long ago something was; the exact time on hover. */
export function RelativeTime({ atMs }: { readonly atMs: number }) {
  const [nowMs, setNowMs] = useState(() => Date.now())
  useEffect(() => {
    const timer = setInterval(() => setNowMs(Date.now()), refreshMs)
    return () => clearInterval(timer)
  }, [])
  return (
    <time dateTime={new Date(atMs).toISOString()} title={formatMoment(atMs)}>
      {formatAgo(atMs, Math.max(nowMs, atMs))}
    </time>
  )
}
