import { isEnded } from '../support/runs/run-world.ts'
import { fetchWhatWasSaved } from './scenarios.ts'
import type { Scenario, Stage } from './scenario.ts'

const minuteMs = 60_000

/** Waits until the app has drawn some steps of a training that really goes on, then does something to it. */
const inMidTraining = (act: (stage: Stage) => Promise<unknown> | void) => async (stage: Stage) => {
  const { runId } = stage
  await stage.app().until(() => stage.app().runs.listMetrics(runId, -1).points.length > 8)
  await act(stage)
}

/** Our own trainer on a tiny model, with what can happen around it; each takes a quarter of a minute or more. */
export const realTrainings: readonly Scenario[] = [
  { name: 'real training: nothing goes wrong', injections: 'none', isTrainedForReal: true, rightStates: ['completed'] },
  {
    name: 'real training: the worker is replaced',
    injections: 'all workers killed after some steps',
    isTrainedForReal: true,
    hasS3: true,
    during: inMidTraining(({ control, remoteId }) => control.killWorkers({ endpointId: remoteId })),
    rightStates: ['completed'],
  },
  {
    name: 'real training: stop and keep',
    injections: 'stopped after some steps',
    isTrainedForReal: true,
    // Without S3 the steps of so quick a training are only told at its end, and the stop would come after it.
    hasS3: true,
    // Row by row, so that the stop comes long before the last step on any machine.
    hyperparameters: { num_train_epochs: 20, max_steps: 700, per_device_train_batch_size: 1, gradient_accumulation_steps: 1 },
    during: inMidTraining(({ app, runId }) => void app().runs.stop(runId, 'keep')),
    rightStates: ['cancelled'],
  },
  {
    name: 'real training: every worker dies, and what was saved is fetched afterwards',
    injections: 'all workers killed until the job is given up; rescue',
    isTrainedForReal: true,
    hasS3: true,
    hyperparameters: { num_train_epochs: 20, max_steps: 700, per_device_train_batch_size: 1, gradient_accumulation_steps: 1 },
    during: inMidTraining(async (stage) => {
      const run = () => stage.app().runs.get(stage.runId)
      while (!isEnded(run())) {
        const { attempt } = run()
        await stage.control.killWorkers({ endpointId: stage.remoteId })
        await stage.app().until(() => isEnded(run()) || run().attempt > attempt)
      }
      await fetchWhatWasSaved(stage)
    }),
    rightStates: ['failed'],
  },
  {
    name: 'real training: the app is restarted',
    injections: 'quit after some steps, and start',
    isTrainedForReal: true,
    during: inMidTraining(async (stage) => {
      await stage.app().quit()
      await stage.restart()
    }),
    rightStates: ['completed'],
  },
  {
    name: 'real training: no network in mid-run',
    injections: 'outage of a minute after some steps',
    isTrainedForReal: true,
    hasS3: true,
    during: inMidTraining(async ({ control }) => {
      await control.startOutage({ scope: 'client', forMs: minuteMs })
    }),
    rightStates: ['completed'],
  },
  {
    name: 'real training: the platform forgets the job',
    injections: '404 after some steps',
    isTrainedForReal: true,
    hasS3: true,
    during: inMidTraining(({ control, app, runId }) => control.forgetJob({ jobId: app().runs.get(runId).jobId ?? '' })),
    rightStates: ['completed'],
  },
]
