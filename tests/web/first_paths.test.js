import assert from 'node:assert/strict';
import test from 'node:test';

import { ddimPaths, firstPaths } from '../../explorer/ui/tabs/paths/first_paths.js';
import { densityAndScore, noisedMixture, scoreAt } from '../../explorer/ui/tabs/paths/mixture.js';

const BETA = Array.from({ length: 1000 }, (_, k) => 1e-4 + ((0.02 - 1e-4) * k) / 999);
const ALPHA_BAR = BETA.reduce((all, beta) => [...all, all[all.length - 1] * (1 - beta)], [1]);
/** @type {import('../../explorer/ui/tabs/paths/mixture.js').Mixture} */
const ONE = { weights: [1], means: [[0.5, -1]], stds: [0.3] };
/** @type {[x: number, y: number][]} */
const STARTS = [
  [1, 2],
  [-0.5, 0.25],
];

test('for one Gaussian the paths approach the closed form of the ODE as S grows', () => {
  const errors = [20, 40, 80].map((steps) => {
    const t = Array.from({ length: steps + 1 }, (_, k) => Math.round((1000 * k) / steps));
    const paths = ddimPaths(ONE, STARTS, t, ALPHA_BAR);
    const ab = ALPHA_BAR[1000];
    const scale = ONE.stds[0] / Math.sqrt(ab * ONE.stds[0] ** 2 + 1 - ab); // x keeps its number of standard deviations
    return Math.max(
      ...paths.flatMap((path, n) =>
        path[0].map((x, i) =>
          Math.abs(x - (ONE.means[0][i] + scale * (STARTS[n][i] - Math.sqrt(ab) * ONE.means[0][i]))),
        ),
      ),
    );
  });
  assert.ok(errors[0] > 1.6 * errors[1] && errors[1] > 1.6 * errors[2], String(errors));
  assert.ok(errors[2] < 0.04, String(errors));
});

test('the score is that of the density, and has a value where the density is zero', () => {
  const two = noisedMixture({ weights: [0.3, 0.7], means: STARTS, stds: [0.08, 0.08] }, 0.99);
  const [gx, gy] = densityAndScore(two, 0.1, 0.7).score;
  const [sx, sy] = scoreAt(two, 0.1, 0.7);
  assert.ok(Math.abs(gx - sx) < 1e-9 * Math.abs(gx) && Math.abs(gy - sy) < 1e-9 * Math.abs(gy));
  assert.ok(scoreAt(two, 1e3, 1e3).every((v) => Number.isFinite(v) && v < 0));
});

test('a run whose steps are not all known, or that takes too long, has no first paths', () => {
  const run = { t: [0, 500, 1000], x: STARTS.map((start) => [start, start, start]), steps: 2 };
  assert.equal(firstPaths(ONE, run, ALPHA_BAR).length, 2);
  assert.deepEqual(firstPaths(ONE, { ...run, steps: 1000 }, ALPHA_BAR), []);
  const many = { weights: [], means: Array(10 ** 6).fill([0, 0]), stds: [] };
  assert.deepEqual(firstPaths(many, run, ALPHA_BAR), []);
});
