import { open } from 'node:fs/promises'

/** The message texts of about the first `bytes` of a chat file; rows that are broken are left out. */
export async function sampleTexts(path: string, bytes: number): Promise<string[]> {
  const file = await open(path)
  const block = Buffer.alloc(bytes)
  const { bytesRead } = await file.read(block, 0, bytes, 0)
  await file.close()
  const lines = block.toString('utf8', 0, bytesRead).split('\n').slice(0, -1)
  return lines.flatMap((line) => textsOf(line))
}

function textsOf(line: string): string[] {
  try {
    const { messages } = JSON.parse(line) as { messages: { content?: unknown }[] }
    return messages.flatMap(({ content }) => (typeof content === 'string' && !/\p{Surrogate}/u.test(content) ? [content] : []))
  } catch (error) {
    if (error instanceof SyntaxError) return []
    throw error
  }
}
