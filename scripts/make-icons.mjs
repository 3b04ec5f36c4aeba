/** Draws the app's icon, a tuning fork, and writes resources/icons/. Run by hand after a change: node scripts/make-icons.mjs */
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { crc32, deflateSync } from 'node:zlib'

const FOLDER = path.join(path.dirname(path.dirname(fileURLToPath(import.meta.url))), 'resources', 'icons')
const SIZES = [16, 24, 32, 48, 64, 128, 256, 512, 1024]
const TOP = [38, 178, 184]
const BOTTOM = [18, 84, 148]
const WHITE = [255, 255, 255]

// All shapes are signed distances in a 1 × 1 square with y downwards: negative inside.
const roundedBox = (x, y, half, radius) => {
  const dx = Math.abs(x - 0.5) - half + radius
  const dy = Math.abs(y - 0.5) - half + radius
  return Math.min(Math.max(dx, dy), 0) + Math.hypot(Math.max(dx, 0), Math.max(dy, 0)) - radius
}
const capsule = (x, y, ax, ay, bx, by, radius) => {
  const along = ((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / ((bx - ax) ** 2 + (by - ay) ** 2)
  const t = Math.min(1, Math.max(0, along))
  return Math.hypot(x - ax - (bx - ax) * t, y - ay - (by - ay) * t) - radius
}
const lowerArc = (x, y, cx, cy, bend, radius) => {
  if (y < cy) return Math.min(Math.hypot(x - cx - bend, y - cy), Math.hypot(x - cx + bend, y - cy)) - radius
  return Math.abs(Math.hypot(x - cx, y - cy) - bend) - radius
}
const soundWave = (x, y, side, bend, radius) => {
  const angle = Math.atan2(y - 0.34, (x - 0.5) * side)
  if (Math.abs(angle) > 0.62) {
    const ends = [-0.62, 0.62].map((at) => Math.hypot((x - 0.5) * side - bend * Math.cos(at), y - 0.34 - bend * Math.sin(at)))
    return Math.min(...ends) - radius
  }
  return Math.abs(Math.hypot(x - 0.5, y - 0.34) - bend) - radius
}

function fork(x, y, size) {
  // Small sizes get a heavier stroke and no waves: thin parts would only blur.
  const radius = size <= 32 ? 0.06 : 0.043
  const bend = size <= 32 ? 0.15 : 0.125
  const bridge = 0.46
  return Math.min(
    capsule(x, y, 0.5 - bend, 0.2, 0.5 - bend, bridge, radius),
    capsule(x, y, 0.5 + bend, 0.2, 0.5 + bend, bridge, radius),
    lowerArc(x, y, 0.5, bridge, bend, radius),
    capsule(x, y, 0.5, bridge + bend, 0.5, 0.81, radius),
  )
}

const waves = (x, y, size) => (size < 48 ? 1 : Math.min(soundWave(x, y, 1, 0.285, 0.024), soundWave(x, y, -1, 0.285, 0.024)))

/** How much of a pixel a shape covers, from its distance in pixels. */
const coverage = (distance, size) => Math.min(1, Math.max(0, 0.5 - distance * size))
const mix = (from, to, share) => from.map((value, i) => value + ((to[i] ?? 0) - value) * share)

function drawPixel(x, y, size) {
  const half = size <= 32 ? 0.5 : 0.46
  const body = coverage(roundedBox(x, y, half, half * 0.46), size)
  let colour = mix(TOP, BOTTOM, Math.min(1, Math.max(0, (y * 0.85 + x * 0.15 - 0.05) / 0.9)))
  colour = mix(colour, WHITE, coverage(waves(x, y, size), size) * 0.55)
  colour = mix(colour, WHITE, coverage(fork(x, y, size), size))
  return [...colour.map(Math.round), Math.round(body * 255)]
}

function chunk(type, data) {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data])
  const out = Buffer.alloc(body.length + 8)
  out.writeUInt32BE(data.length, 0)
  body.copy(out, 4)
  out.writeUInt32BE(crc32(body), body.length + 4)
  return out
}

function drawPng(size) {
  const rows = Buffer.alloc((size * 4 + 1) * size)
  for (let y = 0; y < size; y += 1) {
    for (let x = 0; x < size; x += 1) {
      rows.set(drawPixel((x + 0.5) / size, (y + 0.5) / size, size), y * (size * 4 + 1) + 1 + x * 4)
    }
  }
  const header = Buffer.alloc(13)
  header.writeUInt32BE(size, 0)
  header.writeUInt32BE(size, 4)
  header.set([8, 6, 0, 0, 0], 8)
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])
  return Buffer.concat([signature, chunk('IHDR', header), chunk('IDAT', deflateSync(rows, { level: 9 })), chunk('IEND', Buffer.alloc(0))])
}

/** Windows' container: PNGs behind a table of contents. */
function packIco(images) {
  const table = Buffer.alloc(6 + 16 * images.length)
  table.writeUInt16LE(1, 2)
  table.writeUInt16LE(images.length, 4)
  let offset = table.length
  images.forEach(({ size, png }, i) => {
    const at = 6 + 16 * i
    table.set([size % 256, size % 256, 0, 0, 1, 0, 32, 0], at)
    table.writeUInt32LE(png.length, at + 8)
    table.writeUInt32LE(offset, at + 12)
    offset += png.length
  })
  return Buffer.concat([table, ...images.map(({ png }) => png)])
}

/** macOS's container: PNGs, each behind a four-letter name for its size. */
function packIcns(images) {
  const names = { 32: 'ic11', 64: 'ic12', 128: 'ic07', 256: 'ic08', 512: 'ic09', 1024: 'ic10' }
  const entries = images
    .filter(({ size }) => names[size] !== undefined)
    .map(({ size, png }) => {
      const head = Buffer.alloc(8)
      head.write(names[size], 0, 'latin1')
      head.writeUInt32BE(png.length + 8, 4)
      return Buffer.concat([head, png])
    })
  const head = Buffer.alloc(8)
  head.write('icns', 0, 'latin1')
  head.writeUInt32BE(8 + entries.reduce((sum, entry) => sum + entry.length, 0), 4)
  return Buffer.concat([head, ...entries])
}

const images = SIZES.map((size) => ({ size, png: drawPng(size) }))
await mkdir(path.join(FOLDER, 'linux'), { recursive: true })
for (const { size, png } of images) {
  if (size <= 512) await writeFile(path.join(FOLDER, 'linux', `${size}x${size}.png`), png)
}
await writeFile(path.join(FOLDER, 'icon.png'), images.find(({ size }) => size === 512).png)
await writeFile(path.join(FOLDER, 'icon.ico'), packIco(images.filter(({ size }) => size <= 256)))
await writeFile(path.join(FOLDER, 'icon.icns'), packIcns(images))
