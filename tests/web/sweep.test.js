import assert from 'node:assert/strict';
import test from 'node:test';

import { sweepChart } from '../../explorer/ui/tabs/paths/sweep.js';

const CELLS = {
  100: { end: 1.1, before: 1.01 },
  5: { end: 2.1, before: 1.5 },
  20: { end: 1.4, before: 1.2 },
  50: { end: 1.2, before: 1.1 },
  1000: { end: 1.0, before: 1.0 },
};
const SIZE = { width: 300, height: 190 };
const NOTHING = { 0: {}, 1: {}, large: {} };

test('a line goes over S in order, beside the line where the spread is right', () => {
  const { lines, dots } = sweepChart({ ...NOTHING, 1: CELLS }, 'end', SIZE);
  assert.deepEqual(
    lines[0].points.map(([, y]) => y),
    [1, 1],
  );
  assert.deepEqual(
    lines[2].points,
    [5, 20, 50, 100, 1000].map((S) => [Math.log(S), CELLS[S].end]),
  );
  assert.equal(dots?.length, 5);
});

test('the labels of complete lines stand beside the chart, and none touches another', () => {
  const last = { ...CELLS, 1000: { end: 1.1, before: 1.01 } };
  const { lines, yRange } = sweepChart({ 0: { 5: CELLS[5] }, 1: CELLS, large: last }, 'before', SIZE);
  const labels = lines.flatMap(({ label }) => label ?? []);
  assert.deepEqual(
    labels.map(({ text }) => text.replace(/<.*?>/g, '')),
    ['η = 1', 'σˆ'],
  );
  assert.ok(labels.every(({ at: [x] }) => x > Math.log(1000)));
  const [one, large] = labels.map(({ at: [, y] }) => (162 * y) / (yRange[1] - yRange[0])); // px
  assert.ok(large - one > 15.9); // in the order of the lines
});

test('before anything is counted the axes stand', () => {
  const { yRange, yTicks, lines } = sweepChart(NOTHING, 'before', SIZE);
  assert.deepEqual([yRange, yTicks, lines.length], [[0.6, 1.8], [1, 1.5], 1]);
});
