/** Text, numbers and lists of named elements, as the S3 protocol nests them. */
type XmlContent = string | number | boolean | readonly XmlElement[]
/** One element: its name and what is in it. */
export type XmlElement = readonly [name: string, content: XmlContent]

const namespace = 'http://s3.amazonaws.com/doc/2006-03-01/'
const escapes: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', '\r': '&#13;', '\n': '&#10;' }

/** Words an S3 answer. */
export function xmlDocument(name: string, content: readonly XmlElement[]): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n<${name} xmlns="${namespace}">${inner(content)}</${name}>`
}

/** Words an S3 error answer, which has no namespace. */
export function xmlError(code: string, message: string, resource: string, requestId: string): string {
  const content: readonly XmlElement[] = [
    ['Code', code],
    ['Message', message],
    ['Resource', resource],
    ['RequestId', requestId],
  ]
  return `<?xml version="1.0" encoding="UTF-8"?>\n<Error>${inner(content)}</Error>`
}

function inner(content: XmlContent): string {
  if (typeof content === 'string') return content.replace(/[&<>"\r\n]/g, (character) => escapes[character] ?? character)
  if (typeof content === 'number' || typeof content === 'boolean') return String(content)
  return content.map(([name, child]) => `<${name}>${inner(child)}</${name}>`).join('')
}

/** A part as a client names it when it completes an upload. */
export interface NamedPart {
  readonly partNumber: number
  readonly etag: string
}

/** Reads the body of CompleteMultipartUpload; undefined when it is not one. */
export function parseCompleteBody(text: string): readonly NamedPart[] | undefined {
  if (!/<CompleteMultipartUpload[\s>]/.test(text)) return undefined
  const parts: NamedPart[] = []
  for (const [, body = ''] of text.matchAll(/<Part>(.*?)<\/Part>/gs)) {
    const partNumber = Number(/<PartNumber>\s*(\d+)\s*<\/PartNumber>/.exec(body)?.[1])
    const etag = /<ETag>\s*(.*?)\s*<\/ETag>/s.exec(body)?.[1]?.replaceAll('&quot;', '').replaceAll('&#34;', '').replaceAll('"', '')
    if (!Number.isSafeInteger(partNumber) || etag === undefined) return undefined
    parts.push({ partNumber, etag })
  }
  return parts.length === 0 ? undefined : parts
}
