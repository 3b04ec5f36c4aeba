import { isUtf8 } from 'node:buffer'
import type { parquetMetadata } from 'hyparquet'
import type { SourceProblemKind } from './source-types.ts'
import { assertNever } from '../../../../lib/assert-never.ts'
import type { ColumnValues } from './parquet-pages.ts'

/** One element of a Parquet schema. */
export type SchemaElement = ReturnType<typeof parquetMetadata>['schema'][number]

const decoder = new TextDecoder()

/** Parsers that lose nothing: dates as ISO 8601, with all digits of a second that the file has. */
export function createParsers(onProblem: (kind: SourceProblemKind) => void) {
  return {
    timestampFromMilliseconds: (millis: bigint) => isoOf(millis * 1_000_000n),
    timestampFromMicroseconds: (micros: bigint) => isoOf(micros * 1000n),
    timestampFromNanoseconds: (nanos: bigint) => isoOf(nanos),
    dateFromDays: (days: number) => isoOf(BigInt(days) * 86_400_000_000_000n).slice(0, -'T00:00:00.000Z'.length),
    stringFromBytes(bytes: Uint8Array) {
      const text = decoder.decode(bytes)
      if (text.includes('\ufffd') && !isUtf8(bytes)) onProblem('character_replaced')
      return text
    },
    jsonFromBytes: (bytes: Uint8Array) => jsonOf(decoder.decode(bytes)),
  }
}

function isoOf(nanos: bigint): string {
  const second = 1_000_000_000n
  const rest = ((nanos % second) + second) % second
  const millis = Number((nanos - rest) / 1_000_000n)
  const date = new Date(millis)
  // Years beyond what a date can hold stay numbers.
  if (Number.isNaN(date.getTime())) return String(nanos)
  const digits = String(rest).padStart(9, '0')
  const fraction = digits.endsWith('000000') ? digits.slice(0, 3) : digits.endsWith('000') ? digits.slice(0, 6) : digits
  return `${date.toISOString().slice(0, -'.000Z'.length)}.${fraction}Z`
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    if (error instanceof SyntaxError) return text
    throw error
  }
}

/** What the decoder would round or refuse is taken from the schema and done by `createFinisher`. */
export function stripElement(element: SchemaElement): SchemaElement {
  const { converted_type: converted, logical_type: logical, ...plain } = element
  const isOurs = converted === 'DECIMAL' || converted === 'BSON' || converted === 'INTERVAL' || logical?.type === 'DECIMAL'
  const isGeometry = logical?.type === 'GEOMETRY' || logical?.type === 'GEOGRAPHY'
  return isOurs || isGeometry ? plain : element
}

/** Makes the plain values of one column fit for JSON. */
export type Finisher = (values: ColumnValues) => ColumnValues

/** Creates the finisher of a column; it keeps in mind whether the column's bytes are text. */
export function createFinisher(element: SchemaElement, onProblem: (kind: SourceProblemKind) => void): Finisher {
  const scale = element.converted_type === 'DECIMAL' || element.logical_type?.type === 'DECIMAL' ? (element.scale ?? 0) : null
  if (scale !== null) return (values) => Array.from(values, (value) => decimalOf(value, scale))
  switch (element.type) {
    case 'INT64':
      return (values) => Array.from(values, (value) => (typeof value === 'bigint' ? integerOf(value) : value))
    case 'FLOAT':
    case 'DOUBLE': {
      const isShort = element.type === 'FLOAT'
      return (values) =>
        Array.from(values, (value) => {
          if (typeof value !== 'number') return value
          if (Number.isFinite(value)) return isShort ? shortFloat(value) : value
          onProblem('number_not_finite')
          return null
        })
    }
    case 'BYTE_ARRAY':
    case 'FIXED_LEN_BYTE_ARRAY':
      return createBytesFinisher(onProblem)
    case 'BOOLEAN':
    case 'INT32':
    case 'INT96':
    case undefined:
      return (values) => values
    default:
      return assertNever(element.type)
  }
}

function createBytesFinisher(onProblem: (kind: SourceProblemKind) => void): Finisher {
  let isText: boolean | null = null
  let hasReported = false
  const toText = (bytes: Uint8Array): string => {
    if (isText === true && isTextBytes(bytes)) return decoder.decode(bytes)
    if (!hasReported) onProblem('bytes_as_base64')
    hasReported = true
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')
  }
  return (values) => {
    if (values.length === 0 || !(values[0] instanceof Uint8Array)) return values
    isText ??= Array.from(values).every((value) => value instanceof Uint8Array && isTextBytes(value))
    return Array.from(values, (value) => (value instanceof Uint8Array ? toText(value) : value))
  }
}

function isTextBytes(bytes: Uint8Array): boolean {
  return isUtf8(bytes) && !bytes.includes(0)
}

function integerOf(value: bigint): number | string {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : String(value)
}

/** The shortest number that is the same in single precision: 0.1, not 0.10000000149011612. */
function shortFloat(value: number): number {
  for (let digits = 6; digits <= 9; digits += 1) {
    const short = Number(value.toPrecision(digits))
    if (Math.fround(short) === value) return short
  }
  return value
}

function decimalOf(value: unknown, scale: number): unknown {
  const unscaled =
    typeof value === 'bigint' ? value : typeof value === 'number' ? BigInt(value) : value instanceof Uint8Array ? signedOf(value) : null
  if (unscaled === null) return value
  if (scale <= 0 || scale > 1000) return integerOf(unscaled * (scale < 0 && scale > -1000 ? 10n ** BigInt(-scale) : 1n))
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0')
  const text = `${unscaled < 0n ? '-' : ''}${digits.slice(0, -scale)}.${digits.slice(-scale)}`
  // Up to 15 digits survive as a number; more are kept as text.
  return digits.length <= 15 ? Number(text) : text
}

function signedOf(bytes: Uint8Array): bigint {
  if (bytes.length === 0) return 0n
  return BigInt.asIntN(bytes.length * 8, BigInt(`0x${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')}`))
}
