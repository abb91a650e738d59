import assert from 'node:assert/strict';
import test from 'node:test';

import { curveOptions, nearestFork } from '../../explorer/ui/tabs/steps/futures_chart.js';
import { lineChart } from '../../explorer/ui/web/chart.js';

const futuresOf = (curve) => /** @type {any} */ ({ curve });

test('the curve has a point for every fork, below the top of its axis', () => {
  const curve = [[1000, 0.31], [500, 0.12], [20, 0]]; // prettier-ignore
  const options = curveOptions(futuresOf(curve), 1000, 'standard deviation', 't');
  assert.deepEqual([options.xRange, options.yRange], [[1000, 0], [0, 0.4]]); // prettier-ignore
  const { svg, Y, top, foot } = lineChart({ ...options, width: 400, height: 200 });
  assert.ok(Y(0.31) > top && Y(0) === foot);
  assert.equal(svg.match(/<circle/g)?.length, 3);
});

test('identical futures have a curve at zero', () => {
  const options = curveOptions(futuresOf([[1000, 0], [20, 0]]), 1000, '', ''); // prettier-ignore
  assert.deepEqual(options.yRange, [0, 0.01]);
});

test('a click on the curve forks at the nearest step', () => {
  const futures = futuresOf([[1000, 1], [500, 1], [20, 1]]); // prettier-ignore
  assert.deepEqual([nearestFork(futures, 900), nearestFork(futures, 600), nearestFork(futures, -5)], [1000, 500, 20]);
});
