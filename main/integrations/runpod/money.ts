const amountPattern = /^([+-]?)(\d*)(?:\.(\d*))?(?:e([+-]?\d{1,3}))?$/i
const longestAmount = 400
const microDigits = 6

/** Dollars as whole micro-dollars, rounded half away from zero on the decimal digits; null for what is no amount. */
export function microUsdOf(dollars: number | string): number | null {
  const text = typeof dollars === 'number' ? String(dollars) : dollars.trim()
  const match = text.length > longestAmount ? null : amountPattern.exec(text)
  if (match === null) return null
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = match
  if (whole === '' && fraction === '') return null
  const digits = BigInt(whole + fraction)
  const shift = Number(exponent) - fraction.length + microDigits
  const size = shift >= 0 ? digits * 10n ** BigInt(shift) : roundedQuotient(digits, 10n ** BigInt(-shift))
  if (size > BigInt(Number.MAX_SAFE_INTEGER)) return null
  return sign === '-' && size !== 0n ? -Number(size) : Number(size)
}

function roundedQuotient(digits: bigint, divisor: bigint): bigint {
  return (digits * 2n + divisor) / (divisor * 2n)
}
