import { openCloudApp } from '../support/runs/cloud-app.ts'
import { isEnded } from '../support/runs/run-world.ts'

/** The app as a process of its own, so that it can be killed: `node app-process.ts OPTIONS [RUN_ID]`. */
const options = JSON.parse(process.argv[2] ?? '{}') as Parameters<typeof openCloudApp>[0]
const app = openCloudApp(options)
const say = (line: object) => void process.stdout.write(`${JSON.stringify(line)}\n`)

app.runs.resumeAll()
const known = process.argv[3] ?? app.runs.list({ search: '', status: 'all', sort: 'newest' })[0]?.id
const runId = known ?? (await app.start({}, { num_train_epochs: 10, max_steps: 40 })).id
say({ runId })
await app.until(() => isEnded(app.runs.get(runId)))
say({ status: app.runs.get(runId).status })
await app.quit()
