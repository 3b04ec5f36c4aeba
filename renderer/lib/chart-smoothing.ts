import { useEffect, useRef, useState } from 'react'
import { useMutation, useQuery } from '@tanstack/react-query'
import { bridge } from './bridge.ts'

const saveAfterMs = 400
const defaultSmoothing = 0.6

/** The user's smoothing of loss curves: follows the slider at once and is kept once it rests. */
export function useChartSmoothing(): readonly [number, (value: number) => void] {
  const settings = useQuery({ queryKey: ['settings'], queryFn: () => bridge.invoke('settings.get', {}) })
  const [moved, setMoved] = useState<number | null>(null)
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined)
  const { mutate: save } = useMutation({ mutationFn: (chartSmoothing: number) => bridge.invoke('settings.update', { chartSmoothing }) })
  useEffect(() => () => clearTimeout(timer.current), [])
  const move = (value: number) => {
    setMoved(value)
    clearTimeout(timer.current)
    timer.current = setTimeout(() => save(value), saveAfterMs)
  }
  return [moved ?? settings.data?.chartSmoothing ?? defaultSmoothing, move]
}
