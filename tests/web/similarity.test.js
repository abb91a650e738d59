import assert from 'node:assert/strict';
import test from 'node:test';
import {
  cellSize,
  dotsOf,
  labelShifts,
  meanLine,
  numberUnder,
  offers,
} from '../../explorer/ui/tabs/consistency/similarity.js';

const HALF_WAY = { reference: 5, columns: [[0.5, 0.25], null, null] };
const format = (v) => v.toFixed(3);

test('the line is the mean over the rows, without the reference and the columns that are not complete', () => {
  assert.deepEqual(meanLine([2, 5, 200], HALF_WAY), [[Math.log(2), 0.375]]);
  assert.deepEqual(dotsOf([2, 5, 200], HALF_WAY), [
    [Math.log(2), 0.5],
    [Math.log(2), 0.25],
  ]);
  assert.deepEqual(meanLine([2, 5], { reference: null, columns: [null, null] }), []);
});

test('under a picture stands its similarity, a word at the reference, a dash while it is not known', () => {
  assert.equal(numberUnder(HALF_WAY, 2, 0, 1, format, 'reference'), '0.250');
  assert.equal(numberUnder(HALF_WAY, 5, 1, 0, format, 'reference'), 'reference');
  assert.equal(numberUnder(HALF_WAY, 200, 2, 0, format, 'reference'), '–');
});

test('labels at the ends of lines keep a distance', () => {
  assert.deepEqual(labelShifts([0.9, 0.2], 0.1), [0, 0]);
  const [low, high] = labelShifts([0.5, 0.52], 0.1);
  assert.equal(low, 0);
  assert.ok(Math.abs(0.52 + high - 0.6) < 1e-12);
});

test('more steps are offered with their cost, unless they are there, exceed T, or there is no room', () => {
  assert.deepEqual(offers([5, 50], 4, 1000, 8), [
    { S: 100, calls: 800 },
    { S: 1000, calls: 8000 },
  ]);
  assert.deepEqual(offers([5, 100], 4, 1000, 8), [{ S: 1000, calls: 8000 }]);
  assert.deepEqual(offers([5, 50], 4, 200, 8), [{ S: 100, calls: 800 }]);
  assert.deepEqual(offers([5, 1000], 4, 1000, 8), []);
  assert.deepEqual(offers([5, 50], 4, 1000, 2), []);
});

test('pictures are as large as the width and a seventh of the height allow, up to 128 pixels', () => {
  assert.equal(cellSize(1120, 3, true, 1000), 128);
  assert.equal(cellSize(1120, 4, true, 1000), 128);
  assert.equal(cellSize(1046, 4, true, 657), 93);
  assert.equal(cellSize(1046, 6, true, 657), 77);
  assert.equal(cellSize(1046, 4, true, 400), 64);
  assert.equal(cellSize(1120, 8, true, 1000), 62);
  assert.equal(cellSize(346, 6, false, 844), 45);
});
