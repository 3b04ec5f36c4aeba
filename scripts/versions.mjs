/** The numeric parts of a version such as "v24.21.0" or "3.11.7+local"; anything after the third part is ignored. */
export function parseVersion(text) {
  const match = /(\d+)(?:\.(\d+))?(?:\.(\d+))?/.exec(text)
  if (match === null) return undefined
  return [Number(match[1]), Number(match[2] ?? 0), Number(match[3] ?? 0)]
}

/** Tells whether `version` is at least `minimum`; an unreadable version never is. */
export function isAtLeast(version, minimum) {
  const have = parseVersion(version)
  const want = parseVersion(minimum)
  if (have === undefined || want === undefined) return false
  for (let i = 0; i < 3; i += 1) {
    if (have[i] !== want[i]) return have[i] > want[i]
  }
  return true
}

/** The lowest version that a range of the form ">=X.Y.Z" allows; other forms are refused rather than guessed at. */
export function minimumOfRange(range) {
  const match = /^>=\s*v?(\d+(?:\.\d+){0,2})$/.exec(range.trim())
  if (match === null) throw new Error(`The version range "${range}" is not of the form >=X.Y.Z.`)
  return match[1]
}

/** Node-API level of a Node version, by the first release of each line that has level 10. */
export function nodeApiLevel(nodeVersion) {
  if (isAtLeast(nodeVersion, '23.0.0')) return isAtLeast(nodeVersion, '23.6.0') ? 10 : 9
  return isAtLeast(nodeVersion, '22.14.0') ? 10 : 9
}
