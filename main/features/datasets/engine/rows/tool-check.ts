import { describeValue, isJsonObject, ownValue, pointerTo, quoteShort, type FaultSink, type JsonObject } from './faults.ts'

/** A call that no tool turn has answered yet. */
export interface PendingCall {
  readonly id: string | null
  readonly pointer: string
}

/** Checks the calls of an assistant turn and remembers them as open. */
export function checkCalls(turn: JsonObject, pointer: string, pending: PendingCall[], sink: FaultSink): void {
  const legacy = ownValue(turn, 'function_call')
  if (isJsonObject(legacy)) {
    checkFunction(legacy, pointerTo(pointer, 'function_call'), sink)
    pending.push({ id: null, pointer: pointerTo(pointer, 'function_call') })
  }
  const calls = ownValue(turn, 'tool_calls')
  if (calls === undefined || calls === null) return
  const at = pointerTo(pointer, 'tool_calls')
  if (!Array.isArray(calls)) {
    sink.add('field.type', at, 'The calls of a turn must be a list.', describeValue(calls), 'a list of calls')
    return
  }
  calls.forEach((call: unknown, index) => {
    const callPointer = pointerTo(at, index)
    if (!isJsonObject(call)) {
      sink.add('field.type', callPointer, 'A call must be an object.', describeValue(call), 'an object with a function')
      return
    }
    const inner = ownValue(call, 'function')
    if (isJsonObject(inner)) checkFunction(inner, pointerTo(callPointer, 'function'), sink)
    else checkFunction(call, callPointer, sink)
    const id = ownValue(call, 'id')
    pending.push({ id: typeof id === 'string' ? id : null, pointer: callPointer })
  })
}

function checkFunction(call: JsonObject, pointer: string, sink: FaultSink): void {
  const name = ownValue(call, 'name')
  if (typeof name !== 'string' || name === '') {
    const rule = name === undefined ? 'field.missing' : 'field.type'
    sink.add(rule, pointerTo(pointer, 'name'), 'A call must name its function.', describeValue(name), 'the name of a function')
  }
  const given = ownValue(call, 'arguments')
  const at = pointerTo(pointer, 'arguments')
  if (typeof given === 'string') {
    if (given.trim() !== '' && parseJson(given) === undefined) {
      sink.add('tool.arguments-not-json', at, 'The arguments of the call are not JSON.', quoteShort(given), 'JSON such as {"city": "Oslo"}')
    }
  } else if (given !== undefined && given !== null) {
    sink.add('tool.arguments-object', at, 'The arguments are a value instead of JSON text.', describeValue(given), 'JSON text')
  }
}

/** Checks a ShareGPT turn whose text is the call itself. */
export function checkCallText(content: unknown, pointer: string, pending: PendingCall[], sink: FaultSink): void {
  pending.push({ id: null, pointer })
  if (typeof content !== 'string' || content.trim() === '') return
  const call = parseJson(content)
  if (call === undefined) {
    sink.add('tool.arguments-not-json', pointer, 'The call is not JSON.', quoteShort(content), 'JSON with name and arguments')
  }
}

/** Checks the function definitions of a row. */
export function checkTools(value: unknown, pointer: string, sink: FaultSink): void {
  const add = (at: string, message: string, got: unknown, expected: string) => {
    sink.add('tools.not-schema', at, message, describeValue(got), expected)
  }
  const tools = typeof value === 'string' ? parseJson(value) : value
  if (!Array.isArray(tools)) {
    add(
      pointer,
      typeof value === 'string' && tools === undefined ? 'The function list is not JSON.' : 'The functions must be a list.',
      value,
      'a list of functions',
    )
    return
  }
  tools.forEach((tool: unknown, index) => {
    const at = typeof value === 'string' ? pointer : pointerTo(pointer, index)
    if (!isJsonObject(tool)) {
      add(at, 'A function must be described by an object.', tool, 'an object with name and parameters')
      return
    }
    const inner = ownValue(tool, 'function')
    const definition = isJsonObject(inner) ? inner : tool
    const name = ownValue(definition, 'name')
    const parameters = ownValue(definition, 'parameters')
    if (typeof name !== 'string' || name === '') add(at, 'A function has no name.', name, 'a name')
    else if (parameters !== undefined && parameters !== null && !isSchema(parameters)) {
      add(
        at,
        `The parameters of ${quoteShort(name)} are not a JSON Schema.`,
        parameters,
        'an object such as {"type": "object", "properties": {…}}',
      )
    }
  })
}

function isSchema(value: unknown): boolean {
  if (!isJsonObject(value)) return false
  const type = ownValue(value, 'type')
  const properties = ownValue(value, 'properties')
  const required = ownValue(value, 'required')
  return (
    (type === undefined || typeof type === 'string' || Array.isArray(type)) &&
    (properties === undefined || properties === null || isJsonObject(properties)) &&
    (required === undefined || required === null || Array.isArray(required))
  )
}

/** The parsed value, or undefined where the text is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
