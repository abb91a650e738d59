import assert from 'node:assert/strict';
import test from 'node:test';
import { factorsOf, noiseAfterLargeVariance } from '../../explorer/ui/web/schedule.js';

// ᾱ of the linear schedule, β from 1e-4 to 0.02, T = 1000
const ALPHA_BAR = Array.from({ length: 1000 }, (_, i) => 1 - (1e-4 + (i / 999) * (0.02 - 1e-4))).reduce(
  (all, kept) => [...all, all[all.length - 1] * kept],
  [1],
);

test('the squares of direction and σ add up to 1 − ᾱ_prev for every η, and η = 0 has no noise', () => {
  for (const eta of [0, 0.3, 1]) {
    const { direction, sigma } = factorsOf(ALPHA_BAR[500], ALPHA_BAR[480], eta);
    assert.ok(Math.abs(direction ** 2 + sigma ** 2 - (1 - ALPHA_BAR[480])) < 1e-12);
    assert.ok(eta || sigma === 0);
  }
});

test('η scales σ and not its square, and the last step has neither direction nor noise', () => {
  const half = factorsOf(ALPHA_BAR[500], ALPHA_BAR[480], 0.5).sigma;
  assert.ok(Math.abs(half - factorsOf(ALPHA_BAR[500], ALPHA_BAR[480], 1).sigma / 2) < 1e-15);
  assert.deepEqual(factorsOf(ALPHA_BAR[20], 1, 1), { direction: 0, sigma: 0 });
});

test('σ̂ leaves the noise of the next label and the difference of the two variances', () => {
  const [now, prev] = [ALPHA_BAR[200], ALPHA_BAR[100]];
  const difference = ((1 - now / prev) ** 2 * prev) / (1 - now); // σ̂² − σ(1)²
  assert.ok(Math.abs(noiseAfterLargeVariance(now, prev) ** 2 - (1 - prev) - difference) < 1e-12);
  assert.equal(noiseAfterLargeVariance(now, prev).toFixed(2), '0.54');
  assert.equal(Math.sqrt(1 - prev).toFixed(2), '0.32');
});
