import { flagNumbers } from './flags.ts'
import { assignedSecretAround, isPlaceholder } from './secret-assignments.ts'
import { isDigit, isLetter, matchEnd, type Visit } from './text-edges.ts'

/** Keys of services: each stands alone as a run of letters, digits, `_` and `-`. */
const keyForms: readonly (readonly [flag: number, prefix: string, form: RegExp])[] = [
  [flagNumbers.awsKey, 'AKIA', /^AKIA[A-Z0-9]{16}$/],
  [flagNumbers.awsKey, 'ASIA', /^ASIA[A-Z0-9]{16}$/],
  [flagNumbers.githubToken, 'gh', /^gh[oprsu]_[A-Za-z0-9]{36,251}$/],
  [flagNumbers.githubToken, 'github_pat_', /^github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}$/],
  [flagNumbers.huggingFaceToken, 'hf_', /^hf_[A-Za-z0-9]{30,40}$/],
  [flagNumbers.anthropicKey, 'sk-ant-', /^sk-ant-[a-z]{2,8}\d{2}-[A-Za-z0-9_-]{20,200}$/],
  [flagNumbers.openaiKey, 'sk-', /^sk-(?:(?:proj|svcacct|admin|None)-[A-Za-z0-9_-]{20,200}|[A-Za-z0-9]{40,64})$/],
  [flagNumbers.runpodKey, 'rpa_', /^rpa_[A-Za-z0-9]{30,80}$/],
  [flagNumbers.slackToken, 'xox', /^xox[abeoprs]-[A-Za-z0-9-]{16,250}$/],
  [flagNumbers.googleKey, 'AIza', /^AIza[A-Za-z0-9_-]{35}$/],
]
const restOfJwt = /\.eyJ[A-Za-z0-9_-]{6,}\.[A-Za-z0-9_-]{16,}/y
const keyBlockStart = /-----BEGIN (?:[A-Z0-9]{1,10} ){0,3}PRIVATE KEY(?: BLOCK)?-----/y
const keyMaterial = /[A-Za-z0-9+/=\s\\]{40,}/y
const keyBlockEnd = /-----END (?:[A-Z0-9]{1,10} ){0,3}PRIVATE KEY(?: BLOCK)?-----/y
const blockMark = '-----BEGIN '
const longestKey = 300
const shortestRun = 16
/** 1 for letters, digits, `_` and `-`. */
const runCodes = new Uint8Array(65_536).map((_, code) => (isLetter(code) || isDigit(code) || code === 45 ? 1 : 0))

/** Finds keys and tokens of services, and values that settings call a password or key. */
export function findSecrets(text: string, visit: Visit): void {
  const { length } = text
  let at = shortestRun - 1
  while (at < length) {
    // Looks at every 16th character only: between two signs that end a run there is no room for a secret.
    const floor = at - shortestRun
    let before = at
    while (before > floor && runCodes[text.charCodeAt(before)] === 1) before -= 1
    if (before > floor) {
      at = before + shortestRun
      continue
    }
    let end = at + 1
    while (end < length && runCodes[text.charCodeAt(end)] === 1) end += 1
    at = secretAt(text, floor + 1, end, visit) + shortestRun
  }
}

/** Reports the secret that the run is, and returns the index behind it. */
function secretAt(text: string, start: number, end: number, visit: Visit): number {
  if (text.startsWith('eyJ', start)) {
    const jwtEnd = matchEnd(restOfJwt, text, end)
    if (jwtEnd > 0) {
      visit(flagNumbers.jwt, start, jwtEnd)
      return jwtEnd
    }
  }
  if (end - start <= longestKey) {
    const flag = keyFlagOf(text.slice(start, end))
    if (flag >= 0) {
      visit(flag, start, end)
      return end
    }
  }
  const assigned = assignedSecretAround(text, start, end)
  if (assigned === null) return end
  visit(flagNumbers.assignedSecret, assigned.start, assigned.end)
  return assigned.end
}

function keyFlagOf(token: string): number {
  for (const [flag, prefix, form] of keyForms) {
    if (token.startsWith(prefix) && form.test(token)) return isPlaceholder(token) ? -1 : flag
  }
  return -1
}

/** Finds private key blocks that hold key material; a header alone is documentation. */
export function findPrivateKeys(text: string, visit: Visit): void {
  let at = text.indexOf(blockMark)
  while (at >= 0) {
    const bodyStart = matchEnd(keyBlockStart, text, at)
    const end = bodyStart === 0 ? 0 : endOfKeyBlock(text, bodyStart)
    if (end > 0) visit(flagNumbers.privateKey, at, end)
    at = text.indexOf(blockMark, Math.max(end, at + blockMark.length))
  }
}

/** Index behind the key material, and behind the end line where there is one; 0 without key material. */
function endOfKeyBlock(text: string, bodyStart: number): number {
  const nextMark = text.indexOf('-----', bodyStart)
  const bodyEnd = nextMark < 0 ? matchEnd(keyMaterial, text, bodyStart) : nextMark
  if (bodyEnd === 0 || !/[A-Za-z0-9+/]{24}/.test(text.slice(bodyStart, Math.min(bodyEnd, bodyStart + 300)))) return 0
  return matchEnd(keyBlockEnd, text, bodyEnd) || bodyEnd
}
