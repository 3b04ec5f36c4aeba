interface PictureText {
  readonly title: string
  readonly caption: string
  readonly fileName: string
}

const margin = 16
const headerHeight = 56

/** Saves the plot as a picture that explains itself: title, caption and the theme's background around the canvas. */
export async function saveAsPng(canvas: HTMLCanvasElement, { title, caption, fileName }: PictureText): Promise<void> {
  const scale = devicePixelRatio
  const picture = document.createElement('canvas')
  picture.width = canvas.width + margin * 2 * scale
  picture.height = canvas.height + (headerHeight + margin * 2) * scale
  const context = picture.getContext('2d')
  if (context === null) return
  const style = getComputedStyle(canvas)
  const colour = (name: string) => style.getPropertyValue(name).trim()
  context.fillStyle = colour('--surface-1')
  context.fillRect(0, 0, picture.width, picture.height)
  context.textBaseline = 'top'
  context.fillStyle = colour('--text-strong')
  context.font = `${16 * scale}px ${style.fontFamily}`
  context.fillText(title, margin * scale, margin * scale, picture.width - margin * 2 * scale)
  context.fillStyle = colour('--text-faint')
  context.font = `${12 * scale}px ${style.fontFamily}`
  context.fillText(caption, margin * scale, (margin + 24) * scale, picture.width - margin * 2 * scale)
  context.drawImage(canvas, margin * scale, (margin + headerHeight) * scale)
  const blob = await new Promise<Blob | null>((resolve) => picture.toBlob(resolve, 'image/png'))
  if (blob !== null) offerDownload(blob, fileName)
}

/** A file name from a run's name that every system accepts. */
export function pictureFileName(name: string): string {
  const safe = name
    .replace(/[^\p{L}\p{N}._-]+/gu, '-')
    .replace(/^[-.]+|-+$/g, '')
    .slice(0, 80)
  return `${safe === '' ? 'run' : safe}-loss.png`
}

function offerDownload(blob: Blob, fileName: string): void {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(blob)
  link.download = fileName
  link.click()
  // The download has taken the blob by the next task; holding it longer would leak it.
  setTimeout(() => URL.revokeObjectURL(link.href), 0)
}
