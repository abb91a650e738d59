import assert from 'node:assert/strict';
import test from 'node:test';
import { cellSize, meanLine, numberUnder } from '../../explorer/ui/tabs/consistency/similarity.js';

const HALF_WAY = { reference: 5, columns: [[0.5, 0.25], [1, 1], null] };
const format = (v) => v.toFixed(3);

test('the line is the mean over the rows, without the columns that are not complete', () => {
  assert.deepEqual(meanLine([2, 5, 200], HALF_WAY), [
    [Math.log(2), 0.375],
    [Math.log(5), 1],
  ]);
  assert.deepEqual(meanLine([2, 5], { reference: null, columns: [null, null] }), []);
});

test('under a picture stands its similarity, 1 at the reference, a dash while it is not known', () => {
  assert.equal(numberUnder(HALF_WAY, 2, 0, 1, format), '0.250');
  assert.equal(numberUnder(HALF_WAY, 5, 1, 0, format), '1');
  assert.equal(numberUnder(HALF_WAY, 200, 2, 0, format), '–');
});

test('pictures are 128 or 64 pixels where there is room, else as large as the room allows', () => {
  assert.equal(cellSize(1120, 3, true), 128);
  assert.equal(cellSize(1120, 6, true), 64);
  assert.equal(cellSize(1120, 8, true), 62);
  assert.equal(cellSize(346, 6, false), 45);
});
