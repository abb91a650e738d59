import assert from 'node:assert/strict';
import test from 'node:test';

import { sweepChart } from '../../explorer/ui/tabs/paths/sweep.js';

const CELLS = {
  100: { end: 1.1, before: 1.01 },
  5: { end: 2.1, before: 1.5 },
  20: { end: 1.4, before: 1.2 },
  50: { end: 1.2, before: 1.1 },
};
const NOTHING = { 0: {}, 1: {}, large: {} };

test('a line goes over S in order, beside the line where the spread is right', () => {
  const { lines, dots } = sweepChart({ ...NOTHING, 1: CELLS }, 'end');
  assert.deepEqual(
    lines[0].points.map(([, y]) => y),
    [1, 1],
  );
  assert.deepEqual(
    lines[2].points,
    [5, 20, 50, 100].map((S) => [Math.log(S), CELLS[S].end]),
  );
  assert.equal(dots?.length, 4);
});

test('only a line that is long enough has a label', () => {
  const [, zero, one, large] = sweepChart({ 0: { 5: CELLS[5] }, 1: CELLS, large: CELLS }, 'before').lines;
  assert.equal(zero.label, null);
  assert.deepEqual(one.label, { at: [Math.log(100), 1.01], dy: 14, text: 'η = 1' });
  assert.deepEqual(large.label?.at, [Math.log(50), 1.1]);
});

test('before anything is counted the axes stand', () => {
  const { yRange, yTicks, lines } = sweepChart(NOTHING, 'before');
  assert.deepEqual([yRange, yTicks, lines.length], [[0.6, 1.8], [1, 1.5], 4]);
});
