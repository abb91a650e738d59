import assert from 'node:assert/strict';
import test from 'node:test';
import * as errors from '../../explorer/ui/tabs/encode/errors.js';
import { bell, stairs } from '../../explorer/ui/tabs/encode/histogram.js';

const TABLE = { plain: { 10: 0.01, 100: 1e-4 }, 'refined-2': { 10: 0.001, 50: 1e-5 } };

test('the way up is named without the number of its refinements', () => {
  const ways = ['plain', 'label-t', 'ahead', 'refined-2', 'label-t-refined-3', 'ahead-refined-1'];
  const words = ['plain', 'label_t', 'ahead', 'refined', 'label_t_refined', 'ahead_refined'];
  assert.deepEqual(ways.map(errors.wordOf), words);
});

test('the table has a row for each S, from the smallest to the largest', () => {
  const paper = [
    [10, 0.014],
    [1000, 1e-4],
  ];
  assert.deepEqual(errors.lengthsOf(TABLE, paper), [10, 50, 100, 1000]);
  assert.deepEqual(errors.byLength({ 100: 1, 20: 2, 1000: 3 }), [
    [20, 2],
    [100, 1],
    [1000, 3],
  ]);
});

test('both axes of the chart are logarithmic, and an error of 0 has a place', () => {
  const points = errors.logPoints([
    [10, 0.01],
    [1000, 0],
  ]);
  assert.deepEqual(points, [
    [1, -2],
    [3, -9],
  ]);
  assert.deepEqual(errors.powersFor(points), [-9, -8, -7, -6, -5, -4, -3, -2, -1]);
  assert.deepEqual(errors.powersFor([[1, -2]]), [-6, -5, -4, -3, -2, -1]);
});

const MEASURED = { mean: 0.01, standard_error: 0.001, pictures: 128 };

test('held-out pictures are drawn as medians between quartiles', () => {
  const quartiles = { quartiles: [0.001, 0.01, 0.1], quartile_pictures: 16 };
  const line = errors.heldOutLine({
    100: { ...MEASURED, ...quartiles },
    10: { ...MEASURED, ...quartiles },
    1000: MEASURED,
  });
  assert.deepEqual(line.points, [
    [1, -2],
    [2, -2],
  ]);
  assert.deepEqual(line.bars[0], [1, -3, -1]);
  assert.equal(line.ofMedians, true);
});

test('without any quartiles they are drawn as means with two standard errors', () => {
  const line = errors.heldOutLine({ 10: MEASURED });
  assert.deepEqual(line.points, [[1, -2]]);
  assert.deepEqual(line.bars, [[1, Math.log10(0.01 - 2 * 0.001), Math.log10(0.01 + 2 * 0.001)]]);
  assert.equal(line.ofMedians, false);
});

test('labels that would overlap are moved apart around where they belong', () => {
  assert.deepEqual(errors.spreadLabels([0, 100, 50], 10), [0, 100, 50]);
  assert.deepEqual(errors.spreadLabels([50, 50, 0], 10), [45, 55, 0]);
  assert.deepEqual(
    errors.spreadLabels([20, 26, 31], 10),
    [0, 10, 20].map((k) => (20 + 16 + 11) / 3 + k),
  );
});

test('the number of pictures of a column is the most frequent one', () => {
  assert.equal(errors.mostFrequent([16, 128, 128, 16, 128]), 128);
  assert.equal(errors.mostFrequent([]), undefined);
});

test('a round trip costs the calls of both ways', () => {
  const ways = ['plain', 'label-t', 'ahead', 'refined-2', 'ahead-refined-1'];
  assert.deepEqual(
    ways.map((way) => errors.callsOfTrip(10, way)),
    [20, 20, 21, 40, 31],
  );
});

test('each refinement costs a call a step, the far end one call in all', () => {
  assert.equal(errors.callsUp(10, { refine: 0, ahead: false }), 10);
  assert.equal(errors.callsUp(10, { refine: 0, ahead: true }), 11);
  assert.equal(errors.callsUp(10, { refine: 2, ahead: true }), 31);
});

test('a histogram is a line with steps, over the same range as the bell', () => {
  assert.deepEqual(stairs([0.1, 0.3]), [
    [-4, 0.1],
    [0, 0.1],
    [0, 0.3],
    [4, 0.3],
  ]);
  const curve = bell();
  assert.equal(curve.length, 81);
  assert.deepEqual([curve[0][0], curve[40][0], curve[80][0]], [-4, 0, 4]);
  assert.ok(Math.abs(curve[40][1] - 1 / Math.sqrt(2 * Math.PI)) < 1e-12);
});
