import assert from 'node:assert/strict';
import test from 'node:test';

import { chunksOf, crc32, NotPng, settingsIn, withSettings } from '../../explorer/ui/web/png.js';

const SIGNATURE = [137, 80, 78, 71, 13, 10, 26, 10];

/** A chunk as the standard has it: length, type, data, CRC. */
function chunk(type, data) {
  const body = new Uint8Array([...new TextEncoder().encode(type), ...data]);
  const numbers = new DataView(new ArrayBuffer(8));
  numbers.setUint32(0, data.length);
  numbers.setUint32(4, crc32(body));
  return [...new Uint8Array(numbers.buffer, 0, 4), ...body, ...new Uint8Array(numbers.buffer, 4, 4)];
}
const PNG = new Uint8Array([...SIGNATURE, ...chunk('IHDR', new Uint8Array(13)), ...chunk('IEND', [])]);

test('the CRC is that of the standard', () => {
  assert.equal(crc32(new TextEncoder().encode('IEND')), 0xae426082);
});

test('settings that are put into a picture are found there, and every chunk is whole', async () => {
  const written = new Uint8Array(await withSettings(PNG, 'seed=7&eta=0.5').arrayBuffer());
  assert.equal(settingsIn(written), 'seed=7&eta=0.5');
  assert.deepEqual(
    [...chunksOf(written)].map(({ type }) => type),
    ['IHDR', 'tEXt', 'IEND'],
  );
  for (const { start, end } of chunksOf(written)) {
    const stored = new DataView(written.buffer).getUint32(end);
    assert.equal(stored, crc32(written.subarray(start - 4, end)));
  }
});

test('another file is refused, and a picture that is cut off says nothing', () => {
  assert.throws(() => settingsIn(new TextEncoder().encode('GIF89a')), NotPng);
  assert.equal(settingsIn(PNG), null);
  assert.equal(settingsIn(PNG.subarray(0, 20)), null);
});
