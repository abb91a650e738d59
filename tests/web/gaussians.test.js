import assert from 'node:assert/strict';
import test from 'node:test';

import { bell, jumpAt, marginalLine, peakOf, posterior, sigmaOf } from '../../explorer/ui/tabs/forward/gaussians.js';

const PIXEL = { x0: 0.4, eps: -1.3 };
/** @param {number} actual @param {number} expected */
const assertClose = (actual, expected) => assert.ok(Math.abs(actual - expected) < 1e-9, `${actual} is not ${expected}`);

test('the jump that passes t begins at or above it', () => {
  const tau = [250, 500, 750, 1000];
  assert.deepEqual(jumpAt(tau, 500), [500, 250]);
  assert.deepEqual(jumpAt(tau, 501), [750, 500]);
  assert.deepEqual(jumpAt(tau, 0), [250, 0]);
  assert.deepEqual(jumpAt([1, 501], 1000), [501, 1]);
});

test('eta one is the posterior of DDPM', () => {
  const [alphaBar, alphaBarPrev] = [0.3, 0.5];
  const beta = 1 - alphaBar / alphaBarPrev;
  const x_t = Math.sqrt(alphaBar) * PIXEL.x0 + Math.sqrt(1 - alphaBar) * PIXEL.eps;
  const ofPicture = (Math.sqrt(alphaBarPrev) * beta) / (1 - alphaBar);
  const ofNoised = (Math.sqrt(1 - beta) * (1 - alphaBarPrev)) / (1 - alphaBar);
  const { mean, sigma } = posterior(PIXEL, alphaBar, alphaBarPrev, 1);
  assertClose(mean, ofPicture * PIXEL.x0 + ofNoised * x_t);
  assertClose(sigma ** 2, (beta * (1 - alphaBarPrev)) / (1 - alphaBar));
});

test('eta zero is the marginal with the same noise, without width', () => {
  const { mean, sigma } = posterior(PIXEL, 0.3, 0.5, 0);
  assertClose(mean, Math.sqrt(0.5) * PIXEL.x0 + Math.sqrt(0.5) * PIXEL.eps);
  assert.equal(sigma, 0);
});

test('the last step has no noise', () => assert.equal(sigmaOf(0.99, 1, 1), 0));

test('a bell has its peak at the mean, is cut off above, and keeps to its range', () => {
  const points = bell({ mean: 0.5, sigma: 0.25 }, 9, [-2, 1]);
  const highest = points.reduce((a, b) => (b[1] > a[1] ? b : a));
  assertClose(highest[0], 0.5);
  assertClose(highest[1], peakOf(0.25));
  assert.ok(points.every(([x]) => x >= -2 && x <= 1));
  assert.equal(Math.max(...bell({ mean: 0.5, sigma: 0.25 }, 1, [-2, 1]).map(([, y]) => y)), 1);
});

test('without width it is a spike', () => {
  const spike = bell({ mean: 0.5, sigma: 0 }, 3, [-2, 2]);
  assert.deepEqual(spike, [
    [0.5, 0],
    [0.5, 3],
  ]);
});

test('the marginal begins at the pixel and spreads', () => {
  const alphaBar = Float32Array.from({ length: 101 }, (_, t) => 1 - t / 100);
  const line = marginalLine(alphaBar, -0.5, 2);
  assert.equal(line.length, 101);
  assert.deepEqual(line[0], [0, -0.5]);
  assert.deepEqual(line[100], [100, 2]);
});
