// Read and write the settings in the text chunk of a PNG, see explorer/media/exports.py. No DOM.

const KEYWORD = 'ddim-explorer',
  MAX_SETTINGS = 8192;
const SIGNATURE = [137, 80, 78, 71, 13, 10, 26, 10];

export class NotPng extends Error {}

/**
 * Yield the position of each chunk's data, up to the first incomplete one.
 * @param {Uint8Array} bytes
 * @returns {Generator<{ type: string, start: number, end: number }>}
 */
export function* chunksOf(bytes) {
  if (SIGNATURE.some((byte, i) => bytes[i] !== byte)) throw new NotPng('not a PNG');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 8; at + 12 <= bytes.length; ) {
    const start = at + 8,
      end = start + view.getUint32(at);
    if (end + 4 > bytes.length) return;
    yield { type: String.fromCharCode(...bytes.subarray(at + 4, start)), start, end };
    at = end + 4;
  }
}

/**
 * The settings in a PNG as a query string; null if there are none.
 * @param {Uint8Array} bytes
 */
export function settingsIn(bytes) {
  for (const { type, start, end } of chunksOf(bytes)) {
    if (type !== 'tEXt' || end - start > KEYWORD.length + 1 + MAX_SETTINGS) continue;
    const text = String.fromCharCode(...bytes.subarray(start, end));
    if (text.startsWith(`${KEYWORD}\0`)) return text.slice(KEYWORD.length + 1);
  }
  return null;
}

const CRC = Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  return c >>> 0;
});
/** @param {Uint8Array} bytes */
export function crc32(bytes) {
  let c = 0xffffffff;
  for (const byte of bytes) c = CRC[(c ^ byte) & 255] ^ (c >>> 8);
  return (c ^ 0xffffffff) >>> 0;
}

/**
 * Insert settings into a PNG, after its first chunk.
 * @param {Uint8Array} bytes
 * @param {string} settings
 */
export function withSettings(bytes, settings) {
  const at = (chunksOf(bytes).next().value?.end ?? 0) + 4;
  const text = new TextEncoder().encode(`tEXt${KEYWORD}\0${settings}`);
  const chunk = new Uint8Array(text.length + 8),
    view = new DataView(chunk.buffer);
  view.setUint32(0, text.length - 4);
  chunk.set(text, 4);
  view.setUint32(text.length + 4, crc32(text));
  return new Blob([bytes.slice(0, at), chunk, bytes.slice(at)]);
}
