// Small images made on the spot, each with bytes (and so a CID) of its own.
import zlib from 'node:zlib'

const PNG_SIGNATURE = Buffer.from([137, 80, 78, 71, 13, 10, 26, 10])
const TRUECOLOR_8_BIT = [8, 2, 0, 0, 0]
// One pixel.
const JPEG = Buffer.from(
  '/9j/2wBDAAYEBQYFBAYGBQYHBwYIChAKCgkJChQODwwQFxQYGBcUFhYaHSUfGhsjHBYWICwgIyYnKSopGR8tMC0oMCUoKSj/wAALCAABAAEBAREA/8QAFAABAAAAAAAAAAAAAAAAAAAACP/EABQQAQAAAAAAAAAAAAAAAAAAAAD/2gAIAQEAAD8AVN//2Q==',
  'base64',
)

/** A PNG of one colour, `width` × `height` pixels. */
export function png(width, height, [red, green, blue]) {
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header.set(TRUECOLOR_8_BIT, 8)
  const row = Buffer.concat([Buffer.from([0]), Buffer.concat(Array(width).fill(Buffer.from([red, green, blue])))])
  const pixels = zlib.deflateSync(Buffer.concat(Array(height).fill(row)))
  return Buffer.concat([PNG_SIGNATURE, chunk('IHDR', header), chunk('IDAT', pixels), chunk('IEND', Buffer.alloc(0))])
}

/** A JPEG of one pixel that carries `comment`. */
export function jpeg(comment) {
  const text = Buffer.from(comment)
  const segment = Buffer.from([0xff, 0xfe, 0, text.length + 2])
  return Buffer.concat([JPEG.subarray(0, 2), segment, text, JPEG.subarray(2)])
}

function chunk(type, data) {
  const body = Buffer.concat([Buffer.from(type), data])
  const length = Buffer.alloc(4)
  length.writeUInt32BE(data.length)
  const check = Buffer.alloc(4)
  check.writeUInt32BE(zlib.crc32(body))
  return Buffer.concat([length, body, check])
}
