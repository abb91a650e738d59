import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';

import { cellsOf, cellsOfTable, heatRows, secondsPerCall, stepsOf } from '../../explorer/ui/tabs/quality/cells.js';
import { compare, ddimBesideDdpm, lowestOfDdim, parity } from '../../explorer/ui/tabs/quality/conclusions.js';
import { curvesChart, SERIES, spacedTicks, stepTicks } from '../../explorer/ui/tabs/quality/curves.js';
import { spread } from '../../explorer/ui/web/line_labels.js';
import { leastContrast, leastDifference } from './colours.js';

/** @type {import('../../explorer/ui/tabs/quality/cells.js').Measurement[]} */
const MEASURED = [
  [100, '1', 2, 0.3, 10, 256],
  [10, '1', 8, 0.3, 1, 256],
  [10, '0', 4, 0.3, 1, 256],
  [50, '0', 2.3, 0.3, 5, 256],
  [100, '0', 2.2, 0.3, 10, 256],
];
const CELLS = cellsOf(MEASURED);
const OPTIONS = { size: { width: 400, height: 200 }, xTitle: 'S', yTitle: 'distance' };

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

// Conclusions

/**
 * A table of a DDIM and a DDPM row at S = 10, 50, 1000; NaN leaves a cell out.
 * @param {number[]} ddim
 * @param {number[]} ddpm
 * @param {number} [error] of each distance
 */
function tableOf(ddim, ddpm, error = 0.1) {
  /** @type {import('../../explorer/ui/tabs/quality/cells.js').Measurement[]} */
  const all = [ddim, ddpm].flatMap((row, eta) =>
    row.map((distance, i) => [[10, 50, 1000][i], String(eta), distance, error, 1, 256]),
  );
  return cellsOf(all.filter(([, , distance]) => distance > 0));
}

test('two distances differ by more than two standard errors of their difference, or not at all', () => {
  const cell = (/** @type {number} */ distance, /** @type {number | undefined} */ error) => ({
    S: 1,
    distance,
    spread: error,
  });
  assert.equal(compare(cell(1, 0.3), cell(1.99, 0.4)), 'alike'); // 2 √(0.3² + 0.4²) = 1
  assert.equal(compare(cell(1, 0.3), cell(2.01, 0.4)), 'lower');
  assert.equal(compare(cell(2.01, 0.3), cell(1, 0.4)), 'higher');
  for (const error of [undefined, NaN, 0]) assert.equal(compare(cell(1, error), cell(9, 0.1)), null);
});

test('parity: both rows reach the longest DDPM run, each at its own S', () => {
  const found = parity(tableOf([2, 1.2, 0.9], [4, 1.25, 1]));
  assert.deepEqual(found, { reached: 'both', many: 1000, ddim: 50, ddpm: 50, fewer: 20 });
  assert.deepEqual(parity(tableOf([1.1, 1, 0.9], [4, 1.25, 1])), { ...found, ddim: 10, fewer: 100 });
});

test('parity: only DDIM, only DDPM, or none', () => {
  assert.deepEqual(parity(tableOf([2, 1.2, 0.9], [4, 1.5, 1])), { reached: 'ddim', many: 1000, ddim: 50, ddpm: undefined, fewer: 20, next: 50 });
  assert.deepEqual(parity(tableOf([4, 1.5, 1.4], [2, 1.2, 1])), { reached: 'ddpm', many: 1000, ddim: undefined, ddpm: 50, fewer: 20, next: 50 });
  assert.deepEqual(parity(tableOf([2, 1.5, 0.9], [4, 1.5, 1])), { reached: 'none', many: 1000, ddim: undefined, ddpm: undefined, next: 50 });
}); // prettier-ignore

test('a single S that agrees by chance is no parity if a longer run is measurably worse', () => {
  assert.equal(parity(tableOf([1, 1.5, 1.5], [4, 1.5, 1])).reached, 'none');
});

test('parity is unknown without the cells or without their standard errors', () => {
  const missing = [tableOf([], [4, 1.5, 1]), tableOf([2, 1.2, 0.9], []), tableOf([2, 1.2, 0.9], [NaN, NaN, 1]), {}];
  const exact = [tableOf([2, 1.2, 0.9], [4, 1.25, 1], 0), tableOf([2, 1.2, 0.9], [4, 1.25, 1], NaN)];
  for (const table of [...missing, ...exact]) assert.deepEqual(parity(table), { reached: 'unknown' });
  assert.equal(parity(tableOf([NaN, 1.2, NaN], [4, 1.25, 1])).reached, 'both'); // enough of the rows is there
});

test('DDIM stands beside DDPM at each S that has both', () => {
  const found = { lower: [10], alike: [50], higher: [1000] };
  assert.deepEqual(ddimBesideDdpm(tableOf([2, 1.2, 1.5], [4, 1.25, 1])), found);
  assert.deepEqual(ddimBesideDdpm(tableOf([2, 1.2, NaN], [4, NaN, 1])), { lower: [10], alike: [], higher: [] });
  assert.deepEqual(ddimBesideDdpm(tableOf([2, 1.2, 1.5], [4, 1.25, 1], 0)), { lower: [], alike: [], higher: [] });
});

test('how often DDIM has the lowest distance counts only S with something to compare', () => {
  assert.deepEqual(lowestOfDdim(heatRows(tableOf([2, 1.3, 0.9], [4, 1.25, NaN]))), { times: 1, of: 2 });
  assert.deepEqual(lowestOfDdim(heatRows({})), { times: 0, of: 0 });
});

test('a heat map marks what cannot be distinguished from the best', () => {
  const [ten, fifty] = heatRows(tableOf([2, 1.3, 0.9], [4, 1.25, 1]));
  assert.deepEqual([ten.cells[1]?.alike, fifty.cells[0]?.alike, fifty.cells[1]?.alike], [false, true, false]);
});

/** @param {string} name */
const shipped = (name) => {
  const file = new URL(`../../checkpoints/${name}/quality.json`, import.meta.url);
  const { cells } = JSON.parse(readFileSync(file, 'utf8')).frechet;
  const rows = cells.map((/** @type {any} */ c) => [c.steps, String(c.eta), c.distance, c.spread, c.seconds_per_picture, c.pictures]);
  return cellsOf(rows);
}; // prettier-ignore

test('for the faces both rows reach parity at the same S, for the clothes DDIM alone does', () => {
  const faces = parity(shipped('faces-64'));
  assert.deepEqual([faces.reached, faces.ddim, faces.ddpm, faces.fewer], ['both', 50, 50, 20]);
  const clothes = parity(shipped('fashion-mnist-32'));
  assert.deepEqual([clothes.reached, clothes.ddim, clothes.next, clothes.fewer], ['ddim', 100, 100, 10]);
});

test('the seconds of a call are those of a picture by its S', () => {
  const cells = cellsOf([[10, '0', 1, 0.1, 0.1, 8], [10, '1', 1, 0.1, 0.3, 8], [100, '1', 1, 0.1, 2, 8]]); // prettier-ignore
  const { least, median, most } = secondsPerCall(cells) ?? assert.fail();
  assert.deepEqual([least, median, most].map((v) => +v.toFixed(6)), [0.01, 0.02, 0.03]); // prettier-ignore
  assert.equal(secondsPerCall(cellsOfTable([10], { 0: [1] })), null);
});

// The chart

test('labels move as little as needed: apart, in order, and within the chart', () => {
  assert.deepEqual(spread([5, 1], 2, 0, 10), [5, 1]);
  assert.deepEqual(spread([5, 5, 5], 2, 0, 10), [3, 5, 7]);
  assert.deepEqual(spread([0, 0.5], 2, 0, 10), [0, 2]);
  assert.deepEqual(spread([10, 9.5], 2, 0, 10), [10, 8]);
});

test('each line ends at its label, and a leader joins them', () => {
  const close = cellsOfTable([10, 100], { 0: [2, 1], 1: [3, 1.001] });
  const level = { at: () => 0.999, text: 'real' };
  const options = curvesChart(close, { ...OPTIONS, levels: [level] }) ?? assert.fail();
  const labelled = options.lines.filter(({ label }) => label);
  const leaders = options.lines.filter(({ label }) => !label);
  assert.deepEqual(labelled.map(({ label }) => label?.text), [SERIES[0].svg, SERIES[1].svg, 'real']); // prettier-ignore
  labelled.forEach(({ points, label, colour }, i) => {
    assert.deepEqual(leaders[i].points[0], points[points.length - 1]);
    assert.equal(leaders[i].points[1][1], label?.at[1]);
    assert.equal(leaders[i].colour, colour);
  });
  const perUnit = (options.yRange[1] - options.yRange[0]) / (200 - 24 - 38);
  const places = labelled.map(({ label }) => (label?.at[1] ?? NaN) / perUnit).sort((a, b) => a - b);
  assert.ok(
    places.every((place, i) => !i || place - places[i - 1] >= 16 - 1e-6),
    String(places),
  );
});

test('every η has a colour and a marker of its own, and error bars of two standard errors', () => {
  const options = curvesChart(CELLS, OPTIONS) ?? assert.fail();
  const [low, high] = [2.2 - 0.6, 2.2 + 0.6].map(Math.log);
  const bar = options.lines.find(({ label }) => label?.text === SERIES[0].svg)?.bars?.at(-1) ?? assert.fail();
  assert.ok(Math.abs(bar[1] - low) < 1e-9 && Math.abs(bar[2] - high) < 1e-9);
  const styles = Object.values(SERIES);
  for (const part of /** @type {const} */ (['colour', 'marker', 'name']))
    assert.equal(new Set(styles.map((style) => style[part])).size, 5);
});

test('the markers of different η stand beside each other at the same S', () => {
  const { lines } = curvesChart(cellsOfTable([10, 100], { 0: [2, 1], 1: [2, 1] }), OPTIONS) ?? assert.fail();
  const [a, b] = lines.filter(({ marker }) => marker).map(({ points }) => points[0][0]);
  assert.ok(a < b && b - a < 0.2);
});

test('the level of real pictures has a band of two standard errors', () => {
  const levels = [{ at: () => 1, spread: 0.1, text: 'real' }, { at: () => 0.9, text: 'floor' }]; // prettier-ignore
  const { bands } = curvesChart(CELLS, { ...OPTIONS, levels }) ?? assert.fail();
  assert.deepEqual(bands?.map(({ from, to }) => [from, to]), [[Math.log(0.8), Math.log(1.2)]]); // prettier-ignore
});

test('without cells or values there is nothing to draw, and one S is no division by zero', () => {
  assert.equal(curvesChart({}, OPTIONS), null);
  assert.equal(curvesChart(cellsOfTable([10], { 0: [1] }), { ...OPTIONS, y: ({ seconds }) => seconds }), null);
  const { lines, xRange } = curvesChart(cellsOfTable([10], { 0: [1] }), OPTIONS) ?? assert.fail();
  assert.ok([...xRange, ...lines.flatMap(({ points }) => points.flat())].every(Number.isFinite));
});

test('ticks whose labels would touch are left out, the longest S never', () => {
  const ticks = stepTicks(cellsOfTable([5, 10, 20, 1000], { 0: [5, 10, 3, 1000] }));
  const labels = (/** @type {number} */ perUnit) => spacedTicks(ticks, perUnit).map(([, label]) => label);
  assert.deepEqual(labels(100), [5, 10, 20, 1000]);
  assert.deepEqual(labels(30), [5, 20, 1000]);
});

test('in both themes the colours stand out from the page, and from each other for every kind of colour vision', () => {
  const css = readFileSync(new URL('../../explorer/ui/tabs/quality/tab.css', import.meta.url), 'utf8');
  for (const [theme, page] of [
    ['body', '#ffffff'],
    ['body.dark', '#101316'],
  ]) {
    // prettier-ignore
    const block = css.split(`\n${theme} {`)[1].split('}')[0];
    const colours = Object.values(SERIES).map(({ colour }) => {
      const name = /--[\w-]+/.exec(colour)?.[0] ?? '';
      return new RegExp(`${name}: (#[0-9a-f]{6})`).exec(block)?.[1] ?? assert.fail(name);
    });
    assert.ok(leastContrast(colours, page) >= 3, theme);
    assert.ok(leastDifference(colours) >= 0.1, theme);
  }
});
