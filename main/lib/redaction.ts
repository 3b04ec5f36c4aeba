const secretKey = /^(?:.*(?:api[-_]?key|secret|token|password|passphrase|authorization|credential|cookie).*)$/i
const secretPatterns: readonly RegExp[] = [
  /\b(?:rpa|rps)_[A-Za-z0-9]{8,}/g,
  /\bhf_[A-Za-z0-9]{8,}/g,
  /\bsk-[A-Za-z0-9_-]{12,}/g,
  /\bAKIA[A-Z0-9]{12,}/g,
  /\b(?:Bearer|Basic)\s+[A-Za-z0-9._~+/=-]{8,}/gi,
  /\beyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}(?:\.[A-Za-z0-9_-]*)?/g,
  /(?<=:\/\/)[^\s/:@]+:[^\s/@]+(?=@)/g,
  // Named in text, as in addresses and printed JSON; a bare number is a count of tokens, not a secret.
  /(?<=\b[\w-]*(?:api[-_]?key|secret|token|password|passphrase|credential)["']?\s*[:=]\s*["']?)(?!\d+\b)[^\s"',;&<>]{8,}/gi,
]
const replacement = '[redacted]'
const maxDepth = 8

/** Removes secrets from text that will be written to a log or a report. */
export function redactText(text: string): string {
  return secretPatterns.reduce((result, pattern) => result.replace(pattern, replacement), text)
}

/** Removes secrets from any value by key name and by pattern; errors become plain objects. */
export function redact(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return redactText(value)
  if (value === null || typeof value !== 'object') return value
  if (depth >= maxDepth) return '[deep]'
  if (value instanceof Error) {
    return {
      name: value.name,
      message: redactText(value.message),
      ...('code' in value && typeof value.code === 'string' ? { code: value.code } : {}),
      stack: value.stack === undefined ? undefined : redactText(value.stack),
      ...(value.cause === undefined ? {} : { cause: redact(value.cause, depth + 1) }),
    }
  }
  if (Array.isArray(value)) return value.map((item) => redact(item, depth + 1))
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, secretKey.test(key) && item !== null ? replacement : redact(item, depth + 1)]),
  )
}
