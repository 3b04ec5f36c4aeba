import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { finished } from 'node:stream/promises'
import { createRandom } from './random.ts'

const words = [
  ...'the a of and to in that is was for with as on at by from this have not are but were they which one would their'.split(' '),
  ...'patient contract clause session appeal dosage liability training muscle therapy evidence renewal notice café naïve'.split(' '),
  ...'“quoted” 12.5% C:\\notes "said" § 4(2) \n • \t – 😀 résumé'.split(' '),
]
const faultyShare = 0.02

/** Writes conversations of two to eight turns, one in fifty with a fault, until the file has about `bytes`. */
export async function writeCorpus(path: string, seed: number, bytes: number): Promise<void> {
  const random = createRandom(seed)
  const file = createWriteStream(path)
  let written = 0
  while (written < bytes) {
    let block = ''
    while (block.length < 256 * 1024) block += `${randomRow(random)}\n`
    const buffer = Buffer.from(block)
    written += buffer.length
    if (!file.write(buffer)) await once(file, 'drain')
  }
  file.end()
  await finished(file)
}

function randomRow(random: () => number): string {
  const pairs = 1 + Math.floor(random() * 4)
  const messages: { role: string; content?: string | number }[] = []
  if (random() < 0.5) messages.push({ role: 'system', content: randomText(random, 20) })
  for (let pair = 0; pair < pairs; pair += 1) {
    messages.push({ role: 'user', content: randomText(random, 40) }, { role: 'assistant', content: randomText(random, 120) })
  }
  return random() < faultyShare ? damaged(messages, random) : JSON.stringify({ messages })
}

/** A row with one of the faults that people's files have. */
function damaged(messages: { role: string; content?: string | number }[], random: () => number): string {
  const last = messages.at(-1)
  if (last === undefined) return '{}'
  switch (Math.floor(random() * 6)) {
    case 0:
      return JSON.stringify({ messages }).slice(0, -2)
    case 1:
      last.content = ''
      break
    case 2:
      last.role = 'narrator'
      break
    case 3:
      delete last.content
      break
    case 4:
      last.content = 42
      break
    default:
      messages.pop()
  }
  return JSON.stringify({ messages })
}

function randomText(random: () => number, mostWords: number): string {
  const count = 5 + Math.floor(random() * mostWords)
  let text = 'Note'
  for (let index = 0; index < count; index += 1) text += ` ${words[Math.floor(random() * words.length)] ?? ''}`
  return text
}
