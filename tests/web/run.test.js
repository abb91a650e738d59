import assert from 'node:assert/strict';
import test from 'node:test';

import { differenceOf } from '../../explorer/ui/tabs/steps/difference.js';
import { panelFormulas } from '../../explorer/ui/tabs/steps/formulas.js';
import { RunMemory } from '../../explorer/ui/tabs/steps/memory.js';
import { numberOf, Run } from '../../explorer/ui/tabs/steps/run.js';

const PLAN = [
  [1000, 500, 0.1, 0.5, 0.7, 0.6, 0.2, 1, 2],
  [500, 0, 0.5, 1, 1, 0, 0, 1, 2],
];
/** What Python sends of a run of two steps. */
const valueOf = (more = {}) => ({
  id: 3,
  count: 5,
  settings: { seed: 1, steps: 2 },
  T: 1000,
  shape: [3, 64, 32],
  alpha_bar: '[[0, 1], [1000, 0]]',
  plan: JSON.stringify(PLAN),
  kept: '[0, 1]',
  forks: '{"count": 8, "curve": [0, 1]}',
  rows: '',
  previews: '',
  state: 'running',
  ...more,
});

test('a run grows by rows and previews, each read once', () => {
  const run = new Run(valueOf());
  assert.deepEqual([run.channels, run.height, run.width], [3, 64, 32]);
  assert.deepEqual(run.shown, []);
  run.update(valueOf({ rows: '[1, 2]\n', previews: '0\tdata:a\n' }));
  run.update(valueOf({ rows: '[1, 2]\n[3, 4]\n', previews: '0\tdata:a\n1\tdata:b\n', state: 'ended' }));
  assert.deepEqual(run.rows, [[1, 2], [3, 4]]); // prettier-ignore
  assert.deepEqual(run.shown, [0, 1]);
  assert.equal(run.previews.get(1), 'data:b');
  assert.equal(numberOf(run.rows[1], 'x0'), 4);
});

test('the larger variance has no noise at the last step', () => {
  const [first, last] = new Run(valueOf()).plan;
  assert.equal(first.sigmaHat, Math.sqrt(1 - 0.1 / 0.5));
  assert.equal(first.sigma1, Math.sqrt((1 - 0.5) / (1 - 0.1)) * first.sigmaHat);
  assert.equal(last.sigmaHat, 0);
});

test('the step nearest in t is kept over runs', () => {
  const run = new Run(valueOf({ previews: '0\ta\n1\tb\n' }));
  assert.equal(run.nearest({ t: 800 }), 0);
  assert.equal(run.nearest({ share: 0.9 }), 1);
  assert.equal(run.nearest({ end: true, t: 1000 }), 1);
  assert.equal(run.hasReached({ t: 400 }), false);
  assert.equal(run.hasReached({ t: 500 }), true);
});

test('a sheet is a grid of frames of five panels', () => {
  const run = new Run(valueOf({ sheet: { file: { url: '/sheet.png' }, columns: 1 } }));
  assert.deepEqual(run.cornerOf(0), { x: 0, y: 0 });
  assert.deepEqual(run.cornerOf(1), { x: 0, y: 64 });
});

test('finished runs are found by their settings until their pictures take too much room', () => {
  const memory = new RunMemory(150);
  const ended = (seed) => {
    const run = new Run(valueOf({ state: 'ended', settings: { seed, steps: 2 } }));
    return Object.assign(run, { sheet: { naturalWidth: 10, naturalHeight: 10 } });
  };
  memory.remember(ended(1));
  assert.equal(memory.recall({ seed: 1, steps: 2, other: true }, 9).count, 9);
  memory.remember(ended(2));
  assert.equal(memory.recall({ seed: 1, steps: 2 }, 10), undefined);
  assert.ok(memory.recall({ seed: 2, steps: 2 }, 11).remembered);
});

test('the difference of two pictures has a mean, an rms and a colour between two', () => {
  const grey = (v) => new Uint8ClampedArray([v, v, v, 255]);
  const { data, mean, rms } = differenceOf(grey(0), grey(255), { zero: [0, 0, 0], full: [200, 100, 0], most: 4 });
  assert.deepEqual([mean, rms], [2, 2]);
  assert.deepEqual([...data], [100, 50, 0, 255]);
  assert.equal(differenceOf(grey(7), grey(7), { zero: [1, 2, 3], full: [9, 9, 9], most: 1 }).mean, 0);
});

test('the form in m and k has no term of direction', () => {
  assert.equal(panelFormulas('mk', false).direction, '');
  assert.match(panelFormulas('terms', true).noise, /\\hat\\sigma_t/);
});

test('a fork costs the steps that are left, for each future, and the curve those of its forks', () => {
  const run = new Run(valueOf());
  assert.deepEqual([run.costOfFork(0, false), run.costOfFork(1, false)], [16, 8]);
  assert.equal(run.costOfFork(1, true), 16 + 8); // steps 0 and 1 once each
});
