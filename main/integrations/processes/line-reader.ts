import { StringDecoder } from 'node:string_decoder'

const longestLine = 16_384

/** Cuts a program's output into lines; CR ends a line too, as progress bars use it, and endless lines are cut. */
export function createLineReader(onLine: (line: string) => void) {
  const decoder = new StringDecoder('utf8')
  let rest = ''
  const release = (line: string) => {
    if (line.trim() !== '') onLine(line)
  }
  return {
    push(chunk: Buffer): void {
      const parts = (rest + decoder.write(chunk)).split(/\r\n|\n|\r/)
      rest = parts.pop() ?? ''
      parts.forEach(release)
      if (rest.length > longestLine) {
        release(rest)
        rest = ''
      }
    },
    /** Releases a last line without an ending. */
    end(): void {
      release(rest + decoder.end())
      rest = ''
    },
  }
}
