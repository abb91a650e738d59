import assert from 'node:assert/strict';
import test from 'node:test';

import { cellsOf, cellsOfTable, fasterRun, heatRows, stepsOf } from '../../explorer/ui/tabs/quality/cells.js';
import { curvesChart, stepTicks, timeTicks } from '../../explorer/ui/tabs/quality/curves.js';

/** @type {import('../../explorer/ui/tabs/quality/cells.js').Measurement[]} */
const MEASURED = [
  [100, '1', 2, 0.3, 10, 256],
  [10, '1', 8, 0.3, 1, 256],
  [10, '0', 4, 0.3, 1, 256],
  [50, '0', 2.3, 0.3, 5, 256],
  [100, '0', 2.2, 0.3, 10, 256],
];
const CELLS = cellsOf(MEASURED);
const SIZE = { width: 400, height: 200 };
/** @param {import('../../explorer/ui/tabs/quality/cells.js').Cell} cell */
const stepsAcross = ({ S }) => S;

test('cells are sorted by S, whatever the order of the measurements', () => {
  assert.deepEqual(
    CELLS['0'].map(({ S }) => S),
    [10, 50, 100],
  );
  assert.deepEqual(stepsOf(CELLS), [10, 50, 100]);
});

test('a table of a paper becomes cells', () => {
  const cells = cellsOfTable([10, 20], { 0: [17.3, 13.7], large: [300, 184] });
  assert.deepEqual(cells.large, [
    { S: 10, distance: 300 },
    { S: 20, distance: 184 },
  ]);
});

test('a heat map marks the best of each S, leaves gaps, and darkens from the lowest to the highest', () => {
  const [ten, fifty, hundred] = heatRows(CELLS);
  assert.deepEqual(
    ten.cells.map((cell) => cell?.best),
    [true, false],
  );
  assert.deepEqual(
    fifty.cells.map((cell) => cell?.best),
    [true, undefined],
  );
  assert.equal(hundred.cells[1]?.share, 0);
  assert.equal(ten.cells[1]?.share, 1);
  assert.deepEqual(heatRows({}), []);
});

test('a single distance is no division by zero', () => {
  assert.equal(heatRows({ 0: [{ S: 5, distance: 3 }] })[0].cells[0]?.share, 0);
});

test('the fastest DDIM run is as good as the longest DDPM run, to the error of their difference', () => {
  assert.deepEqual(fasterRun(CELLS), { few: 50, many: 100, times: 2 });
  const sure = cellsOf(MEASURED.map(([S, eta, distance, , seconds, n]) => [S, eta, distance, 0, seconds, n]));
  assert.equal(fasterRun(sure), null);
  assert.equal(fasterRun({}), null);
});

test('labels at the ends of lines are kept apart, in the order of the lines', () => {
  const close = cellsOfTable([10, 100], { 0: [2, 1], 1: [3, 1.001] });
  const options = curvesChart(close, {
    x: stepsAcross,
    ticks: [],
    size: SIZE,
    floor: { distance: 0.999, text: 'real' },
  });
  assert.ok(options);
  const labels = options.lines.map(({ label }) => label?.at[1] ?? NaN);
  const apart = ((Math.log(3.6) - options.yRange[0]) / 200) * 17;
  assert.ok(labels[1] - labels[0] >= apart - 1e-9 && labels[0] - labels[2] >= apart - 1e-9);
  assert.equal(options.dots?.length, 4); // the floor has none
});

test('without cells there is nothing to draw', () => {
  assert.equal(curvesChart({}, { x: stepsAcross, ticks: [], size: SIZE }), null);
});

test('the axis loses its name where the next number would touch it', () => {
  const cells = cellsOfTable([5, 10, 1000], { 0: [5, 10, 1000] });
  const ticks = stepTicks(cells);
  const labels = (/** @type {number} */ width) =>
    curvesChart(cells, { x: stepsAcross, ticks, size: { width, height: 200 } })?.xTicks.map(([, label]) => label);
  assert.deepEqual(labels(260), ['5', 10, 1000]);
  assert.deepEqual(labels(1200), ['S = 5', 10, 1000]);
});

test('time has round ticks between the quickest and the slowest run', () => {
  const ticks = timeTicks(CELLS, (seconds) => `${seconds} s`);
  assert.deepEqual(
    ticks.map(([, label]) => label),
    ['1 s', '3 s', '10 s'],
  );
  assert.deepEqual(timeTicks({}, String), []);
});
