import { prepareMachine } from '../machine.mjs'

/** Brings the machine up for everything and does nothing more. */
export async function runTask({ options }) {
  await prepareMachine({ electron: true, python: true, vocabularies: true, demoModel: true }, options)
  return 0
}
