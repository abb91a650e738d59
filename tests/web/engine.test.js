import assert from 'node:assert/strict';
import { test } from 'node:test';

import { byBatch, byEngine, describeOrigin, describeTimings } from '../../explorer/ui/web/engine.js';

test('an engine without a name is not mentioned', () => {
  assert.equal(byEngine(''), '');
  assert.equal(byEngine(undefined), '');
  assert.equal(byEngine('torch float32'), ' · torch float32');
});

test('timings are listed by batch size, the fastest first', () => {
  /** @type {import('../../explorer/ui/web/engine.js').Timing[]} */
  const timings = [
    ['torch float32', 2, 1, 16.2],
    ['OpenVINO float32', 2, 1, 10.8],
    ['OpenVINO float32', 2, 8, 78],
  ];
  assert.deepEqual(byBatch(timings), [
    { batch: 1, timed: [timings[1], timings[0]] },
    { batch: 8, timed: [timings[2]] },
  ]);
  assert.deepEqual(byBatch(undefined), []);
  const say = (/** @type {string} */ key, /** @type {object} */ values) => `${key} ${Object.values(values).join(' ')}`;
  assert.equal(
    describeTimings(timings, say),
    'stage.timings 1 stage.timing OpenVINO float32 2 10.8 · stage.timing torch float32 2 16.2\n' +
      'stage.timings 8 stage.timing OpenVINO float32 2 78.0',
  );
});

test('a stored result says when and by which engine it was computed, and whether it was prepared', () => {
  const say = (/** @type {string} */ key, /** @type {any} */ values) => `${key}: ${values.when}`;
  const made = new Date(2001, 10, 27, 9, 12).getTime() / 1000;
  const origin = { engine: 'torch float32', made, prepared: true };
  assert.match(describeOrigin(origin, say, 'en'), /^stage\.prepared: Nov 27, 2001, 09:12\sAM$/);
  assert.match(describeOrigin({ ...origin, prepared: false }, say, 'en'), /^stage\.stored: /);
  assert.doesNotMatch(describeOrigin({ ...origin, made: Date.now() / 1000 }, say, 'en'), /\b20\d\d\b/);
  assert.match(describeOrigin(origin, say, 'zh'), /2001年11月27日/);
  assert.equal(describeOrigin(null, say, 'en'), '');
  assert.equal(describeOrigin(undefined, say, 'en'), '');
});
