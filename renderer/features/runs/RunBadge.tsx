import type { Run } from '../../../preload/contract/runs.ts'
import { StatusBadge } from '../../ui/StatusBadge.tsx'
