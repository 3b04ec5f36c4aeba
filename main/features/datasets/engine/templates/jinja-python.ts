import { strip, stripEnd, stripStart } from './python-strings.ts'

/** Templates that print the date get one that never changes, so that a count is the same on every day. */
const dateParts: ReadonlyMap<string, string> = new Map(
  Object.entries({
    d: '26',
    m: '07',
    Y: '2024',
    y: '24',
    b: 'Jul',
    B: 'July',
    a: 'Fri',
    A: 'Friday',
    H: '00',
    M: '00',
    S: '00',
    I: '12',
    p: 'AM',
    j: '208',
  }),
)

const textOf = (value: unknown): string => {
  if (typeof value === 'string') return value
  throw new TypeError('The template strips a value that is not text.')
}
const charactersOf = (value: unknown): string | null => (typeof value === 'string' ? value : null)
const stripNames: ReadonlyMap<string, string> = new Map([
  ['trim', 'python_strip'],
  ['strip', 'python_strip'],
  ['lstrip', 'python_lstrip'],
  ['rstrip', 'python_rstrip'],
])

/** Functions that `followPython` calls; every rendering needs them. */
export const pythonFunctions = {
  python_strip: (value: unknown, characters?: unknown) => strip(textOf(value), charactersOf(characters)),
  python_lstrip: (value: unknown, characters?: unknown) => stripStart(textOf(value), charactersOf(characters)),
  python_rstrip: (value: unknown, characters?: unknown) => stripEnd(textOf(value), charactersOf(characters)),
  fixed_date: (format: string) => format.replace(/%-?([A-Za-z])/g, (code, letter: string) => dateParts.get(letter) ?? code),
}

/** A node of a parsed template. */
interface SyntaxNode {
  type: string
  [key: string]: unknown
}

function isNode(value: unknown): value is SyntaxNode {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string'
}

/** Changes a parsed template where the library differs from Python: what strips take away, how a list is chosen from, what day it is. */
export function followPython(node: unknown): void {
  if (Array.isArray(node)) {
    for (const item of node) followPython(item)
    return
  }
  if (!isNode(node)) return
  for (const value of Object.values(node)) if (typeof value === 'object' && value !== null) followPython(value)
  if (node.type === 'Identifier' && node['value'] === 'strftime_now') node['value'] = 'fixed_date'
  else if (node.type === 'For') chooseLikePython(node)
  else stripLikePython(node)
}

function stripLikePython(node: SyntaxNode): void {
  const name = node.type === 'CallExpression' ? methodName(node) : node.type === 'FilterExpression' ? filterName(node) : ''
  const replacement = stripNames.get(name)
  if (replacement === undefined) return
  const callee = node['callee']
  const subject = isNode(callee) ? callee['object'] : node['operand']
  const given: unknown[] = isNode(callee) && Array.isArray(node['args']) ? node['args'] : []
  node.type = 'CallExpression'
  node['callee'] = { type: 'Identifier', value: replacement }
  node['args'] = [subject, ...given]
}

/** The library never chooses an item that lacks the attribute, so `selectattr("x", "undefined")` becomes a condition of the loop. */
function chooseLikePython(node: SyntaxNode): void {
  const { iterable, loopvar } = node
  if (!isNode(iterable) || iterable.type !== 'FilterExpression' || !isNode(loopvar) || loopvar.type !== 'Identifier') return
  const { filter, operand } = iterable
  if (!isNode(filter) || filter.type !== 'CallExpression' || !isNode(filter['callee']) || filter['callee']['value'] !== 'selectattr') return
  const [attribute, test]: unknown[] = Array.isArray(filter['args']) ? filter['args'] : []
  if (!isNode(attribute) || !isNode(test) || (test['value'] !== 'undefined' && test['value'] !== 'defined')) return
  node['iterable'] = {
    type: 'SelectExpression',
    lhs: operand,
    test: {
      type: 'TestExpression',
      operand: { type: 'MemberExpression', object: loopvar, property: attribute, computed: true },
      negate: false,
      test: { type: 'Identifier', value: test['value'] },
    },
  }
}

function methodName({ callee }: SyntaxNode): string {
  if (!isNode(callee) || callee.type !== 'MemberExpression' || callee['computed'] === true) return ''
  const { property } = callee
  return isNode(property) && typeof property['value'] === 'string' && property['value'] !== 'trim' ? property['value'] : ''
}

function filterName({ filter }: SyntaxNode): string {
  return isNode(filter) && filter.type === 'Identifier' && filter['value'] === 'trim' ? 'trim' : ''
}
