import { join } from 'node:path'

interface WorkerAddress {
  readonly baseUrl: string
  readonly workerId: string
  readonly token: string
  readonly volumeFolder: string
  /** Random word by which a worker and everything it started is recognised. */
  readonly mark: string
}

/** Name of the variable that carries the mark. */
export const markVariable = 'TUNESMITH_WORKER_MARK'

/** What a worker may know of the user's environment; everything else, keys above all, stays out. */
const inherited: ReadonlySet<string> = new Set([
  'PATH',
  'HOME',
  'LANG',
  'LC_ALL',
  'LC_CTYPE',
  'TZ',
  'TMPDIR',
  'TEMP',
  'TMP',
  'CUDA_VISIBLE_DEVICES',
  'CUDA_DEVICE_ORDER',
  'CUDA_HOME',
  'LD_LIBRARY_PATH',
  'OMP_NUM_THREADS',
  'MKL_NUM_THREADS',
  'HTTP_PROXY',
  'HTTPS_PROXY',
  'ALL_PROXY',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
  'REQUESTS_CA_BUNDLE',
  'HF_ENDPOINT',
  'HF_HUB_OFFLINE',
  'TRANSFORMERS_OFFLINE',
  'TUNESMITH_DEVICE',
  'TUNESMITH_DTYPE',
  'TUNESMITH_DEMO_MODEL',
  'SYSTEMROOT',
  'SYSTEMDRIVE',
  'WINDIR',
  'COMSPEC',
  'PATHEXT',
  'USERPROFILE',
  'APPDATA',
  'LOCALAPPDATA',
  'PROGRAMDATA',
  'NUMBER_OF_PROCESSORS',
  'PROCESSOR_ARCHITECTURE',
])

/** The whole environment of a worker process: the allowed part of ours and the platform's addresses. */
export function workerEnvironment(ours: NodeJS.ProcessEnv, address: WorkerAddress): NodeJS.ProcessEnv {
  const { baseUrl, workerId, token, volumeFolder, mark } = address
  const url = (operation: string, path: string) => `${baseUrl}/${operation}/${path}?gpu=local&token=${token}`
  const noProxy = [ours['NO_PROXY'] ?? ours['no_proxy'], '127.0.0.1', 'localhost']
    .filter((part) => part !== undefined && part !== '')
    .join(',')
  return {
    ...Object.fromEntries(Object.entries(ours).filter(([name]) => inherited.has(name.toUpperCase()))),
    NO_PROXY: noProxy,
    no_proxy: noProxy,
    PYTHONUNBUFFERED: '1',
    PYTHONUTF8: '1',
    PYTHONDONTWRITEBYTECODE: '1',
    HF_HOME: join(volumeFolder, 'hf'),
    HF_HUB_DISABLE_TELEMETRY: '1',
    RUNPOD_WEBHOOK_GET_JOB: url('job-take', '$ID'),
    RUNPOD_WEBHOOK_POST_OUTPUT: url('job-done', '$RUNPOD_POD_ID/$ID'),
    RUNPOD_WEBHOOK_POST_STREAM: url('job-stream', '$RUNPOD_POD_ID/$ID'),
    RUNPOD_WEBHOOK_PING: url('ping', '$RUNPOD_POD_ID'),
    RUNPOD_PING_INTERVAL: '10000',
    RUNPOD_AI_API_KEY: token,
    RUNPOD_POD_ID: workerId,
    RUNPOD_ENDPOINT_ID: 'local',
    RUNPOD_DEBUG_LEVEL: 'INFO',
    // The SDK's own checks ask for a GPU server and for a host on the internet.
    RUNPOD_SKIP_AUTO_SYSTEM_CHECKS: 'true',
    RUNPOD_SKIP_GPU_CHECK: 'true',
    TUNESMITH_VOLUME: volumeFolder,
    TUNESMITH_PROGRESS_INTERVAL_MS: '500',
    TUNESMITH_EXIT_WITH_STDIN: '1',
    [markVariable]: mark,
  }
}
