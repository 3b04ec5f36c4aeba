/** True for a character that Python strips, or that a word splitter could join to a line break before it; a few more are harmless. */
export function isSpaceLike(unit: number): boolean {
  if (unit <= 0x20) return true
  if (unit < 0x85) return false
  return isPythonSpace(unit) || unit === 0x180e || (unit >= 0x200b && unit <= 0x200f) || unit === 0xfeff
}

/** Python's white space differs from JavaScript's: U+FEFF is none, U+0085 and the information separators are. */
function isPythonSpace(unit: number): boolean {
  if (unit <= 0x20) return unit === 0x20 || (unit >= 0x09 && unit <= 0x0d) || (unit >= 0x1c && unit <= 0x1f)
  if (unit < 0x1680) return unit === 0x85 || unit === 0xa0
  if (unit <= 0x200a) return unit === 0x1680 || unit >= 0x2000
  return unit === 0x2028 || unit === 0x2029 || unit === 0x202f || unit === 0x205f || unit === 0x3000
}

function isStripped(text: string, at: number, characters: string | null): boolean {
  return characters === null ? isPythonSpace(text.charCodeAt(at)) : characters.includes(text.charAt(at))
}

/** Python's `text.lstrip(characters)`; without characters it strips white space. */
export function stripStart(text: string, characters: string | null = null): string {
  let start = 0
  while (start < text.length && isStripped(text, start, characters)) start += 1
  return start === 0 ? text : text.slice(start)
}

/** Python's `text.rstrip(characters)`. */
export function stripEnd(text: string, characters: string | null = null): string {
  let end = text.length
  while (end > 0 && isStripped(text, end - 1, characters)) end -= 1
  return end === text.length ? text : text.slice(0, end)
}

/** Python's `text.strip(characters)`, which templates use and which is not JavaScript's `trim`. */
export function strip(text: string, characters: string | null = null): string {
  return stripEnd(stripStart(text, characters), characters)
}
