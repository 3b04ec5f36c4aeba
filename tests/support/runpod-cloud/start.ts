// RunPod's cloud for tests, as a process of its own:
//
//   node tests/support/runpod-cloud/start.ts --state DIR [--port N] [--s3-port N] [--clock standing|flowing] [--speed X]
//     [--pace instant|clock] [--python PATH] [--trainer FOLDER]
//
// Prints one line of JSON: the addresses of the job API, REST, GraphQL, S3 and control, and the keys. A second start on
// the same folder is the same cloud on the same ports. It ends with SIGTERM. Endpoints are made over REST or with
// POST /__control/createEndpoint {}; `control.ts` lists every control, `faults.ts` every fault. At pace `instant` the
// scripted workers take no real time: the cloud's clock jumps ahead with each of their steps. In a test process,
// use `startRunpodCloud` of cloud.ts, and `createRemoteControl` of control-routes.ts for a cloud in another process.
import { parseArgs } from 'node:util'
import { startRunpodCloud } from './cloud.ts'

const { values } = parseArgs({
  options: {
    state: { type: 'string' },
    port: { type: 'string' },
    's3-port': { type: 'string' },
    clock: { type: 'string', default: 'flowing' },
    speed: { type: 'string', default: '1' },
    pace: { type: 'string', default: 'instant' },
    python: { type: 'string' },
    trainer: { type: 'string' },
  },
})
if (values.state === undefined) throw new Error('Name the folder of the cloud: --state DIR')
const cloud = await startRunpodCloud({
  stateFolder: values.state,
  clock: values.clock === 'standing' ? { kind: 'standing' } : { kind: 'flowing', speed: Number(values.speed) },
  pace: values.pace === 'clock' ? 'clock' : 'instant',
  ...(values.port === undefined ? {} : { port: Number(values.port) }),
  ...(values['s3-port'] === undefined ? {} : { s3Port: Number(values['s3-port']) }),
  ...(values.python === undefined ? {} : { python: values.python }),
  ...(values.trainer === undefined ? {} : { trainerFolder: values.trainer }),
})
process.stdout.write(`${JSON.stringify({ ...cloud.addresses, pid: process.pid })}\n`)
const end = () => void cloud.stop().then(() => process.exit(0))
process.once('SIGTERM', end)
process.once('SIGINT', end)
