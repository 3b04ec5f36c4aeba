/** Every expected failure the app can name; anything else is INTERNAL and a bug. */
export const errorCodes = [
  'INVALID_INPUT',
  'UNKNOWN_ROUTE',
  'FORBIDDEN_SENDER',
  'INTERNAL',
  'DATASET_NOT_FOUND',
  'DATASET_NOT_READY',
  'DATASET_FILE_UNREADABLE',
  'DATASET_FILE_TOO_LARGE',
  'DATASET_IN_USE',
  'DATASET_SAMPLE_UNKNOWN',
  'DATASET_TASK_CANCELLED',
  'DATASET_ENGINE_ENDED',
  'MODEL_UNKNOWN',
  'MODEL_FOLDER_INVALID',
  'ENDPOINT_NOT_FOUND',
  'ENDPOINT_NOT_READY',
  'ENDPOINT_IN_USE',
  'ENDPOINT_UNREACHABLE',
  'ENDPOINT_KEY_MISSING',
  'ENDPOINT_REFUSED',
  'RUNPOD_REPLY_INVALID',
  'RUN_NOT_FOUND',
  'RUN_NOT_ACTIVE',
  'RUN_NOT_ENDED',
  'RUN_CONFIG_INVALID',
  'RUN_NOT_WAITING',
  'ADAPTER_NOT_FOUND',
  'ADAPTER_NOT_VERIFIED',
  'ADAPTER_EXPORT_FAILED',
  'ADAPTER_BUSY',
  'ADAPTER_DELETE_FAILED',
  'DISK_FULL',
  'VOLUME_UNREADABLE',
  'PYTHON_NOT_FOUND',
  'PYTHON_SETUP_FAILED',
  'WORKER_START_FAILED',
  'KEYCHAIN_UNAVAILABLE',
  'DATABASE_TOO_NEW',
  'DATABASE_DAMAGED',
  'NOTIFICATION_NOT_FOUND',
] as const

/** One of the codes above. */
export type ErrorCode = (typeof errorCodes)[number]

/** The error half of every IPC answer. */
export interface ErrorEnvelope {
  readonly code: ErrorCode
  readonly message: string
  readonly details?: unknown
  readonly retryable: boolean
}

/** What `invoke` always resolves to; it never rejects. */
export type IpcAnswer = { ok: true; data: unknown } | { ok: false; error: ErrorEnvelope }

/** An expected failure with a code, a sentence for the user and optional details. */
export class AppError extends Error {
  readonly code: ErrorCode
  readonly details: unknown
  readonly retryable: boolean

  constructor(code: ErrorCode, message: string, options: { details?: unknown; retryable?: boolean; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'AppError'
    this.code = code
    this.details = options.details
    this.retryable = options.retryable ?? false
  }
}
