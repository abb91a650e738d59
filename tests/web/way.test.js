import assert from 'node:assert/strict';
import test from 'node:test';
import * as way from '../../explorer/ui/tabs/interpolate/way.js';

test('an address names a place on the pad by its row and column', () => {
  assert.deepEqual(way.placeOf('4,0'), [4, 0]);
  for (const other of [null, '', '4', '-1,0', '1.5,2', '1,2,3']) assert.equal(way.placeOf(other), null);
});

test('keys and pointers that leave the pad stop at its edge', () => {
  const press = (key, place) => way.insidePad(way.placeAfterKey(key, place, 5), 5);
  assert.deepEqual(press('ArrowRight', [2, 3]), [2, 4]);
  assert.deepEqual(press('ArrowRight', [2, 4]), [2, 4]);
  assert.deepEqual(press('ArrowUp', [0, 4]), [0, 4]);
  assert.deepEqual(press('End', [0, 0]), [4, 4]);
  const box = { left: 10, top: 20, width: 100, height: 100 };
  assert.deepEqual(way.placeUnder({ clientX: 10, clientY: 119 }, box, 5), [4, 0]);
  assert.deepEqual(way.insidePad(way.placeUnder({ clientX: 500, clientY: 0 }, box, 5), 5), [0, 4]);
});

test('a place is kept on a smaller pad', () => {
  assert.deepEqual(way.insidePad([10, 3], 5), [4, 3]);
  assert.deepEqual(way.firstPlace(7), [2, 3]);
});

test('a seed becomes a number in a field, any other latent stays a text', () => {
  assert.equal(way.latentField('29'), 29);
  assert.equal(way.latentField('slerp(1, 2, 0.5)'), 'slerp(1, 2, 0.5)');
  assert.equal(way.latentField('9007199254740991'), '9007199254740991'); // 16 digits may be more than a number holds
});

test('two ends lie at w = 0 and 1, a loop counts its legs', () => {
  const norms = [
    [0, 1],
    [1, 0.7],
    [2, 1],
  ];
  assert.deepEqual(way.normLine(norms, 2, true), norms);
  assert.deepEqual(way.normLine(norms, 2, false), [
    [0, 1],
    [0.5, 0.7],
    [1, 1],
  ]);
});
