// The remaining time of a run, and the lines in which pictures arrive.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parsePicture } from '../../explorer/ui/web/picture_lines.js';
import { RemainingTime, roundTime } from '../../explorer/ui/web/remaining_time.js';

/** @param {number} evaluations @param {number} seconds */
const value = (evaluations, seconds, id = 1) => ({ id, evaluations, expected: 1000, seconds });

test('at a steady rate the remaining time is calls left × time of a call, and falls', () => {
  const remaining = new RemainingTime();
  let before = Infinity;
  for (let n = 100; n < 1000; n += 50) {
    const left = remaining.update(value(n, n * 0.01)) ?? NaN;
    assert.ok(Math.abs(left - (1000 - n) * 0.01) < 1e-9);
    assert.ok(left < before);
    before = left;
  }
});

test('at an uneven rate it does not rise', () => {
  const remaining = new RemainingTime();
  let before = Infinity;
  let seconds = 0;
  for (let n = 50; n < 1000; n += 50) {
    seconds += n % 100 ? 0.45 : 0.55;
    const left = remaining.update(value(n, seconds)) ?? Infinity;
    assert.ok(left <= before);
    before = left;
  }
});

test('a machine that has become slow is noticed', () => {
  const remaining = new RemainingTime();
  for (let n = 10; n <= 100; n += 10) remaining.update(value(n, n * 0.01));
  for (let n = 110; n <= 200; n += 10) remaining.update(value(n, 1 + (n - 100) * 0.1));
  const left = remaining.update(value(210, 12)) ?? NaN;
  assert.ok(left > 60 && left <= 79);
});

test('a first call that compiles the network is soon forgotten', () => {
  const remaining = new RemainingTime();
  remaining.update(value(8, 4));
  for (let n = 16; n <= 480; n += 8) remaining.update(value(n, 4 + n * 0.02));
  const left = remaining.update(value(488, 4 + 488 * 0.02)) ?? NaN;
  assert.ok(Math.abs(left - 512 * 0.02) < 0.15 * 512 * 0.02);
});

test('there is no remaining time at the start, at the end, for a new run, and without a network', () => {
  const remaining = new RemainingTime();
  assert.equal(remaining.update(value(0, 0.1)), null);
  assert.notEqual(remaining.update(value(500, 5)), null);
  assert.equal(remaining.update(value(1000, 10)), null);
  assert.equal(remaining.update(value(2, 0.02, 2)), null);
  assert.equal(remaining.update({ id: 3, evaluations: null, expected: null, seconds: 4 }), null);
});

test('it is shown in whole seconds, in fives, and in minutes', () => {
  assert.deepEqual(roundTime(0.2), { unit: 'seconds', n: 1 });
  assert.deepEqual(roundTime(7.2), { unit: 'seconds', n: 8 });
  assert.deepEqual(roundTime(43), { unit: 'seconds', n: 45 });
  assert.deepEqual(roundTime(200), { unit: 'minutes', n: 3 });
});

test('a line is a picture, or a preview with its steps', () => {
  assert.deepEqual(parsePicture('a/1\tdata:x'), { name: 'a/1', address: 'data:x', preview: null });
  assert.deepEqual(parsePicture('a/1\tdata:x\t2/20'), {
    name: 'a/1',
    address: 'data:x',
    preview: { steps: 2, requested: 20 },
  });
  assert.equal(parsePicture(''), null);
});
