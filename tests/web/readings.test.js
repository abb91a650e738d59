import assert from 'node:assert/strict';
import test from 'node:test';
import { readingsOf as ofCompare } from '../../explorer/ui/tabs/compare/readings.js';
import { readingsOf as ofConsistency } from '../../explorer/ui/tabs/consistency/readings.js';
import { readingsOf as ofEncode } from '../../explorer/ui/tabs/encode/readings.js';
import { readingsOf as ofForward } from '../../explorer/ui/tabs/forward/readings.js';
import { readingsOf as ofInterpolate } from '../../explorer/ui/tabs/interpolate/readings.js';
import { readingsOf as ofPaths } from '../../explorer/ui/tabs/paths/readings.js';
import { readingsOf as ofQuality } from '../../explorer/ui/tabs/quality/readings.js';
import { readingsOf as ofSteps } from '../../explorer/ui/tabs/steps/readings.js';
import { Run } from '../../explorer/ui/tabs/steps/run.js';

/** A run of two steps over ᾱ = 1, 0.64, 0.25 at t = 0, 5, 10. */
function runOf(change = {}) {
  const plan = [
    [10, 5, 0.25, 0.64, 0.8, 0.6, 0, 0.69, 0.45],
    [5, 0, 0.64, 1, 1, 0, 0, 0, 1],
  ];
  const row = (sum, clipped) => [1, 1, 1, 0, 1, 1, 1, 0, sum, 0, clipped];
  return new Run({
    id: 1,
    count: 1,
    settings: { clip: true, eta: 0 },
    T: 10,
    shape: [3, 2, 2],
    alpha_bar: '[]',
    plan: JSON.stringify(plan),
    kept: '[0, 1]',
    forks: '{"count": 8, "curve": [0, 1]}',
    state: 'ended',
    rows: `${JSON.stringify(row(1e-7, 0))}\n${JSON.stringify(row(3e-7, 7))}\n`,
    previews: '',
    distances: '{"0": 0.5, "1": 0}',
    ...change,
  });
}

test('Steps: distances near fixed places of the run, the worst residual, what was clipped most', () => {
  const readings = ofSteps(runOf(), 0);
  assert.equal(readings.t_100, 10);
  assert.equal(readings.distance_100, '0.500');
  assert.deepEqual([readings.t_50, readings.distance_50], [5, '0.000']);
  assert.equal(readings.sum_off, '3.0e−7');
  assert.deepEqual([readings.clipped_first, readings.clipped_most, readings.clipped_t], ['0', '7', 5]);
  assert.deepEqual([readings.values, readings.first_jump, readings.last_t], ['12', 5, 5]);
});

test('Steps: the step on the screen with other η comes from the schedule of the checkpoint', () => {
  const readings = ofSteps(runOf(), 0);
  assert.deepEqual([readings.t, readings.direction_0, readings.sigma_0], [10, '0.600', '0.000']);
  const sigma = Math.sqrt(0.36 / 0.75) * Math.sqrt(1 - 0.25 / 0.64);
  assert.equal(readings.sigma_100, sigma.toFixed(3));
  assert.equal(readings.squares, '0.360');
});

test('Steps: how much the futures differ, and the ends of their curve once it is complete', () => {
  const futures = (state) =>
    JSON.stringify({
      state,
      t: 5,
      std: 0.25,
      hasCurve: true,
      curve: [[10, 0.5], [5, 0.25]], // prettier-ignore
    });
  const running = ofSteps(runOf({ futures: futures('running') }), 0);
  assert.deepEqual([running.fork_t, running.fork_count, running.fork_std, running.fork_first], [5, 8, '0.250', null]);
  const ended = ofSteps(runOf({ futures: futures('ended') }), 0);
  assert.deepEqual([ended.fork_first, ended.fork_last], ['0.500', '0.250']);
  assert.equal(ofSteps(runOf(), 0).fork_t, undefined);
});

test('Steps: what is not known yet has no number', () => {
  const readings = ofSteps(runOf({ state: 'running', rows: '', distances: '' }), -1);
  assert.deepEqual([readings.t_100, readings.distance_100, readings.sum_off], [10, null, undefined]);
  assert.equal(readings.t, undefined);
  assert.equal(ofSteps(runOf({ settings: { clip: false } }), 0).clipped_most, null);
});

test('Compare: the facts of the rows, and the jump before the last', () => {
  const settings = { steps: 10 };
  assert.equal(ofCompare({ settings }, {}, null).grain_large, null);
  const facts = {
    ddim: { repeat: 0, grain: 0.02 },
    ddpm: { others: [0.2, 0.4], posterior: 2.4e-7, grain: 0.03 },
    large: { grain: 0.1494 },
    examples: { grain: null },
  };
  const readings = ofCompare({ settings }, facts, [200, 100, 0.6, 0.9]);
  assert.deepEqual(
    [readings.repeat, readings.others, readings.posterior, readings.grain_large, readings.grain_real],
    ['0', '0.300', '2.4e−7', '0.149', null],
  );
  assert.deepEqual([readings.late_t, readings.late_told], [200, Math.sqrt(0.1).toFixed(2)]);
});

test('Consistency: the range over all columns but the reference', () => {
  const similarity = { 0: { reference: 50, columns: [[0.8, 0.9], null, [1, 1]] }, 1: { reference: null, columns: [] } };
  const readings = ofConsistency([5, 20, 50], similarity);
  assert.deepEqual([readings.ddim_least, readings.ddim_most, readings.reference], ['0.80', '0.90', 50]);
  assert.deepEqual([readings.ddpm_least, readings.shortest], [null, 5]);
});

test('Interpolate: the rows that are measured, and the least norm', () => {
  const norms = {
    lerp: [
      [0, 1],
      [0.5, 0.704],
    ],
  };
  const readings = ofInterpolate({ lerp: { contrast_middle: 0.38, path_length: 2.57 } }, norms, { path_length: 64 });
  assert.deepEqual([readings.norm_least, readings.contrast_lerp, readings.contrast_slerp], ['0.70', '0.380', null]);
  assert.deepEqual([readings.path_lerp, readings.path_slerp, readings.path_unrelated], ['2.6', null, '64']);
});

test('Encode: an error for each S', () => {
  assert.deepEqual(ofEncode({ norm: 0.5183 }, { 10: 0.0027, 100: 2.1e-5 }), {
    norm: '0.518',
    error_10: '0.0027',
    error_100: '2.1e−5',
  });
  assert.deepEqual(ofEncode({}, {}), { norm: null });
});

test('Forward: the schedule at a tenth, a half and the end of T, and the variance of the pixels', () => {
  const alphaBar = Array.from({ length: 11 }, (_, t) => (t ? 0.9 / t : 1));
  const readings = ofForward({ t: 5, alphaBar, x0: [-1, 1], loss: [[1, 2], [10, 0.01]] }); // prettier-ignore
  assert.deepEqual([readings.T, readings.t_early, readings.t_half], [10, 1, 5]);
  assert.deepEqual([readings.sqrt_early, readings.sqrt_half], ['0.95', '0.42']);
  assert.deepEqual([readings.variance_first, readings.variance_now], ['1.00', '1.00']);
  assert.deepEqual([readings.kept_by_step, readings.loss_ratio], ['0.9', '200']);
  assert.equal(ofForward({ t: 5, alphaBar, x0: [0, 0.5], loss: [] }).variance_now, (0.18 / 16 + 0.82).toFixed(2));
});

test('Paths and Quality: the rows and cells that are there', () => {
  const paths = ofPaths({ 0: { energy: -0.0001, straight_ode: 1.02 } });
  assert.deepEqual([paths.energy_ddim, paths.length_ddim, paths.energy_ddpm], ['0.000', '1.02', null]);
  const cells = {
    0: [
      { S: 5, distance: 1 },
      { S: 10, distance: 0.1234 },
    ],
    large: [{ S: 20, distance: 0.5 }],
  };
  assert.deepEqual(ofQuality(cells, [10, 20]), { fewest: 10, ddim: '0.123', ddpm: null, large: null });
  assert.equal(ofQuality({}, [10]).fewest, undefined);
});
