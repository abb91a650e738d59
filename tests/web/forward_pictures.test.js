import assert from 'node:assert/strict';
import test from 'node:test';

import { mixPictures, pixelAt, signedPicture } from '../../explorer/ui/tabs/forward/pictures.js';

/** The first pixel of a picture. @param {Uint8ClampedArray} rgba */
const first = (rgba) => [...rgba.slice(0, 4)];

test('a mixture is a x_0 + b ε, channel by channel, cut off at black and white', () => {
  const x0 = Float32Array.of(-1, 0, 1, 0, 0.5, 0);
  const eps = Float32Array.of(1, 0, 1, 0, -3, 0);
  assert.deepEqual(first(mixPictures([3, 1, 2], x0, eps, 1, 0)), [0, 255, 191, 255]);
  assert.deepEqual(first(mixPictures([3, 1, 2], x0, eps, 0.5, 0.5)), [128, 255, 0, 255]);
});

test('a grey picture has the same value in all three colours', () => {
  const rgba = mixPictures([1, 2, 1], Float32Array.of(1, -1), new Float32Array(2), 1, 0);
  assert.deepEqual([...rgba], [255, 255, 255, 255, 0, 0, 0, 255]);
});

test('signed values go from one colour over a light middle to another, by the mean of the channels', () => {
  const shape = /** @type {[number, number, number]} */ ([3, 1, 1]);
  assert.deepEqual(first(signedPicture(shape, Float32Array.of(1, -1, 0))), [246, 245, 241, 255]);
  assert.deepEqual(first(signedPicture(shape, Float32Array.of(1.5, 1.5, 1.5))), [130, 68, 8, 255]);
  assert.deepEqual(first(signedPicture(shape, Float32Array.of(-9, -9, -9))), [1, 92, 85, 255]);
});

test('the pixel under a point is named by row and column', () => {
  assert.equal(pixelAt([3, 64, 32], 10.5 / 32, 40.5 / 64), '40:10');
  assert.equal(pixelAt([3, 64, 32], 0, 0), '0:0');
});
