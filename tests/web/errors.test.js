import assert from 'node:assert/strict';
import test from 'node:test';
import * as errors from '../../explorer/ui/tabs/encode/errors.js';
import { bell, stairs } from '../../explorer/ui/tabs/encode/histogram.js';

const TABLE = { plain: { 10: 0.01, 100: 1e-4 }, 'refined-2': { 10: 0.001, 50: 1e-5 } };

test('the way up is named without the number of its refinements', () => {
  const ways = ['plain', 'ahead', 'refined-2', 'ahead-refined-1'];
  assert.deepEqual(ways.map(errors.wordOf), ['plain', 'ahead', 'refined', 'ahead_refined']);
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
