import assert from 'node:assert/strict';
import test from 'node:test';

import { positionOf, startOf, stepsAfterKey, stopsOf, valueAt } from '../../explorer/ui/shell/scales.js';
import { exampleSettings, idleFields, requestKey } from '../../explorer/ui/shell/used_fields.js';

const ABOUT = {
  defaults: {
    checkpoint: 'faces',
    seed: 22,
    eta: 0,
    steps: 20,
    variance: 'eta',
    noise_seed: 0,
    clip: false,
    others: 4,
  },
  options: { steps: [], compare: ['others'] },
  idle: { steps: [], compare: ['variance'] },
};

test('the slider of S is logarithmic, from 1 to T', () => {
  assert.equal(positionOf('steps', 1, 500), 0);
  assert.equal(positionOf('steps', 500, 500), 1000);
  for (const S of [1, 7, 20, 499]) assert.equal(valueAt('steps', positionOf('steps', S, 500), 500), S);
  assert.equal(valueAt('eta', positionOf('eta', 0.25, 500), 500), 0.25);
});

test('the stops of S end at T, and none stands close to it', () => {
  assert.deepEqual(stopsOf('steps', 1000), [1, 10, 20, 50, 100, 1000]);
  assert.deepEqual(stopsOf('steps', 150), [1, 10, 20, 50, 150]);
  assert.deepEqual(stopsOf('eta', 150), [0, 0.2, 0.5, 1]);
});

test('a run starts at T, or short of it with the spacings of diffusers and of the original code', () => {
  for (const spacing of ['linear', 'quadratic']) assert.equal(startOf(spacing, 7, 1000), 1000);
  assert.deepEqual(
    [3, 10, 1000].map((S) => startOf('leading', S, 1000)),
    [667, 901, 1000],
  );
  assert.deepEqual(
    [1, 2, 50, 900].map((S) => startOf('quadratic-ddim', S, 1000)),
    [1, 801, 801, 900],
  );
  assert.equal(startOf('quadratic-ddim', 4, 15), 12); // the square of the rounded root of 12 is below 12
  assert.ok(Number.isNaN(startOf('leading', NaN, 1000)));
});

test('an arrow key moves S by one, within 1 and T', () => {
  assert.equal(stepsAfterKey('ArrowUp', 20, 1000), 21);
  assert.equal(stepsAfterKey('ArrowLeft', 1, 1000), 1);
  assert.equal(stepsAfterKey('ArrowRight', 1000, 1000), 1000);
  assert.equal(stepsAfterKey('Home', 20, 1000), undefined);
});

test('without noise in its steps the Steps tab has no use for a noise seed', () => {
  const idle = (tab, settings) => [...idleFields(tab, settings, ABOUT)];
  assert.deepEqual(idle('steps', { eta: 0, variance: 'eta' }), ['noise_seed']);
  assert.deepEqual(idle('steps', { eta: 0, variance: 'large' }), ['eta']);
  assert.deepEqual(idle('steps', { eta: 1, variance: 'eta' }), []);
  assert.deepEqual(idle('compare', { eta: 0, variance: 'large' }), ['variance']);
});

test('a field that a tab does not use asks for no other pictures', () => {
  const key = (tab, change) => requestKey(tab, { ...ABOUT.defaults, ...change }, ABOUT);
  assert.equal(key('compare', { variance: 'large' }), key('compare', {}));
  assert.notEqual(key('compare', { others: 1 }), key('compare', {}));
  assert.notEqual(key('steps', { variance: 'large' }), key('steps', {}));
  assert.equal(key('steps', { others: 1 }), key('steps', {}));
});

test('an example leaves the checkpoint and the seeds, unless it names them', () => {
  const example = (query, tab) => exampleSettings(new URLSearchParams(query), tab, ABOUT);
  const { eta, variance, spacing, clip } = { ...ABOUT.defaults, spacing: undefined };
  assert.deepEqual(example('steps=50', 'steps'), { eta, steps: 50, spacing, variance, clip });
  assert.deepEqual(example('tab=compare&seed=7&others=1', 'compare'), {
    seed: 7,
    eta,
    steps: 20,
    spacing,
    variance,
    clip,
    others: 1,
  });
});
