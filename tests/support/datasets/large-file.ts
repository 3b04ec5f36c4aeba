import { writeFileSync } from 'node:fs'
import { createRandom } from '../../bench/random.ts'

/** Writes conversations with a few faults and repeats until the file has about so many bytes. */
export function writeLargeFile(path: string, bytes: number): void {
  const random = createRandom(11)
  const words = 'the court held that a clause of this kind is void unless both sides agreed to it in writing before the work began'.split(
    ' ',
  )
  const text = (count: number) => Array.from({ length: count }, () => words[Math.floor(random() * words.length)] ?? '').join(' ')
  // A block of different rows is written again and again with new numbers: fast to make, and every row still has its own text.
  const block = Array.from({ length: 400 }, () => [text(20), text(160)] as const)
  const parts: string[] = []
  let written = 0
  for (let row = 0; written < bytes; row += 1) {
    const [question, answer] = block[row % block.length] ?? ['', '']
    const good = `{"messages":[{"role":"user","content":"${row} ${question}"},{"role":"assistant","content":"${row % 997} ${answer}."}]}`
    const line = row % 701 === 3 ? good.slice(0, -9) : row % 509 === 5 ? good.replace('"assistant"', '"bot"') : good
    parts.push(line)
    written += line.length + 1
  }
  writeFileSync(path, `${parts.join('\n')}\n`)
}
