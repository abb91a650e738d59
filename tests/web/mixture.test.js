import assert from 'node:assert/strict';
import test from 'node:test';

import {
  cellsOfSquare,
  densityAndScore,
  densityOpacities,
  noisedMixture,
  scoreArrows,
} from '../../explorer/ui/tabs/paths/mixture.js';

/** @type {import('../../explorer/ui/tabs/paths/mixture.js').Mixture} */
const TWO = {
  weights: [0.25, 0.75],
  means: [
    [-1, 0.5],
    [2, -1],
  ],
  stds: [0.3, 0.6],
};
/** @param {number} actual @param {number} expected @param {number} [within] */
const assertClose = (actual, expected, within = 1e-9) =>
  assert.ok(Math.abs(actual - expected) < within, `${actual} is not ${expected}`);

test('without noise it is the mixture, and all noise makes it a standard normal', () => {
  const [first] = noisedMixture(TWO, 1);
  assert.deepEqual([first.x, first.y], TWO.means[0]);
  assertClose(first.variance, 0.3 ** 2);
  const noise = noisedMixture(TWO, 0);
  for (const [x, y] of [
    [0, 0],
    [1, -2],
  ]) {
    const { density, score } = densityAndScore(noise, x, y);
    assertClose(density, Math.exp(-(x * x + y * y) / 2) / (2 * Math.PI));
    assertClose(score[0], -x);
    assertClose(score[1], -y);
  }
});

test('the score is the gradient of the log density', () => {
  const components = noisedMixture(TWO, 0.6);
  const step = 1e-5;
  /** @param {number} x @param {number} y */
  const logDensity = (x, y) => Math.log(densityAndScore(components, x, y).density);
  for (const [x, y] of [
    [0.2, 0.1],
    [-1.5, 2],
    [2.5, -0.5],
  ]) {
    const { score } = densityAndScore(components, x, y);
    assertClose(score[0], (logDensity(x + step, y) - logDensity(x - step, y)) / (2 * step), 1e-6);
    assertClose(score[1], (logDensity(x, y + step) - logDensity(x, y - step)) / (2 * step), 1e-6);
  }
});

test('the density sums to one', () => {
  const cells = cellsOfSquare(200, 8);
  const area = (16 / 200) ** 2;
  const components = noisedMixture(TWO, 0.5);
  const sum = cells.reduce((a, [x, y]) => a + area * densityAndScore(components, x, y).density, 0);
  assertClose(sum, 1, 1e-6);
});

test('far from all components there is no score, and no division by zero', () => {
  assert.deepEqual(densityAndScore(noisedMixture(TWO, 1), 1e4, 1e4), { density: 0, score: [0, 0] });
});

test('cells go row by row from the top left', () => {
  assert.deepEqual(cellsOfSquare(2, 1), [
    [-0.5, 0.5],
    [0.5, 0.5],
    [-0.5, -0.5],
    [0.5, -0.5],
  ]);
});

test('the darkest cell is opaque', () => {
  const opacities = densityOpacities(noisedMixture(TWO, 0.9), 16, 3);
  assert.equal(Math.max(...opacities), 1);
  assert.ok(opacities.every((v) => v >= 0));
});

test('arrows point along the score and have a longest length', () => {
  const components = noisedMixture(TWO, 0.2);
  for (const { from, to } of scoreArrows(components, 5, 3)) {
    const [gx, gy] = densityAndScore(components, ...from).score;
    const [dx, dy] = [to[0] - from[0], to[1] - from[1]];
    assertClose(gx * dy - gy * dx, 0);
    assert.ok(gx * dx + gy * dy > 0);
    assert.ok(Math.hypot(dx, dy) <= 0.9);
  }
});
