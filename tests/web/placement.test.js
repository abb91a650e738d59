import assert from 'node:assert/strict';
import test from 'node:test';
import { fittingSpan, scrollNeeded } from '../../explorer/ui/shell/placement.js';

const FREE = { top: 0, bottom: 400 };

test('a page is not scrolled if the target is in the free part', () => {
  assert.equal(scrollNeeded({ top: 0, bottom: 400 }, FREE), 0);
});

test('a target above or below is brought to the nearest edge of the free part', () => {
  assert.equal(scrollNeeded({ top: -50, bottom: 100 }, FREE), -50);
  assert.equal(scrollNeeded({ top: 350, bottom: 500 }, FREE), 100);
});

test('of a target that is too high its top is seen', () => {
  assert.equal(scrollNeeded({ top: 300, bottom: 900 }, FREE), 300);
  assert.equal(scrollNeeded({ top: 0, bottom: 900 }, FREE), 0);
});

test('as many targets are shown together as fit, the first ones first', () => {
  const [a, b, c] = [200, 500, 0].map((top) => ({ top, bottom: top + 100 }));
  assert.deepEqual(fittingSpan([a, b, c], 400), { top: 200, bottom: 600 });
  assert.deepEqual(fittingSpan([a, c, b], 400), { top: 0, bottom: 300 });
  assert.deepEqual(fittingSpan([a], 50), a);
});
