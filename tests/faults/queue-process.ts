import { openCloudApp } from '../support/runs/cloud-app.ts'
import { isEnded } from '../support/runs/run-world.ts'

/** The app with two runs in its queue as a process of its own, so that it can be killed: `node queue-process.ts OPTIONS`. */
const options = JSON.parse(process.argv[2] ?? '{}') as Parameters<typeof openCloudApp>[0]
const app = openCloudApp(options)
const all = () => app.runs.list({ search: '', status: 'all', sort: 'newest' })

app.runs.resumeAll()
for (let count = all().length; count < 2; count += 1) await app.enqueue()
await app.until(() => all().every(isEnded))
await app.quit()
