import assert from 'node:assert/strict';
import test from 'node:test';

import { digits, fixed, floats, indexOfNearest, powerOfTen, thousands } from '../../explorer/ui/web/numbers.js';

test('a number has a real minus sign, and digits that fit its size', () => {
  assert.equal(fixed(-0.05, 2), '−0.05');
  assert.equal(digits(0), '0');
  assert.equal(digits(0.126543), '0.127');
  assert.equal(digits(4.01e-7, 2), '4.0e−7');
  assert.equal(digits(-1234.5), '−1230');
  assert.equal(powerOfTen(-3), '10⁻³');
  assert.equal(thousands(12288), '12,288');
});

test('a float32 array comes as base64', () => {
  const bytes = new Uint8Array(new Float32Array([0.5, -2]).buffer);
  assert.deepEqual([...floats(btoa(String.fromCharCode(...bytes)))], [0.5, -2]);
});

test('the nearest of several numbers is the first of those that are equally near', () => {
  assert.equal(indexOfNearest([0, 1, 2], 1.4), 1);
  assert.equal(indexOfNearest([0, 1, 2], 0.5), 0);
});
