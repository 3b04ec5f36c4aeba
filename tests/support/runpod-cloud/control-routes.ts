import { z } from 'zod'
import type { Answer, Exchange } from '../../../main/integrations/runpod-protocol/http-exchange.ts'
import { controlInputs, type CloudControl, type ControlName } from './control.ts'

const maxBodyBytes = 1024 * 1024

function isControl(name: string): name is ControlName {
  return Object.hasOwn(controlInputs, name)
}

/** Answers POST /__control/<name> with a JSON body. */
export async function answerControl(exchange: Exchange, control: CloudControl): Promise<Answer> {
  const [name = ''] = exchange.path
  if (!isControl(name)) return { status: 404, body: { error: `There is no control ${name}` } }
  const body = exchange.method === 'GET' ? { value: {} } : await exchange.readJson(maxBodyBytes)
  if (typeof body === 'string') return { status: 400, body: { error: 'the body is not usable JSON' } }
  const input = controlInputs[name].safeParse(body.value)
  if (!input.success) return { status: 400, body: { error: z.prettifyError(input.error) } }
  const run = control[name] as (input: unknown) => Promise<unknown>
  try {
    return { status: 200, body: await run(input.data) }
  } catch (error) {
    return { status: 500, body: { error: error instanceof Error ? error.message : String(error) } }
  }
}

/** The controls of a cloud in another process. */
export function createRemoteControl(controlUrl: string): CloudControl {
  const call = async (name: string, input: unknown): Promise<unknown> => {
    const response = await fetch(`${controlUrl}/${name}`, { method: 'POST', body: JSON.stringify(input) })
    const value: unknown = await response.json()
    if (!response.ok) throw new Error(`The control ${name} failed: ${JSON.stringify(value)}`)
    return value
  }
  const names = Object.keys(controlInputs)
  return Object.fromEntries(names.map((name) => [name, (input: unknown) => call(name, input)])) as unknown as CloudControl
}
