import assert from 'node:assert/strict';
import test from 'node:test';

import { momentAt, odeScale, planeScale } from '../../explorer/ui/tabs/paths/scales.js';

test('the plane has its origin in the middle, and y goes upwards', () => {
  const { place } = planeScale(300);
  assert.deepEqual(place([[0, 0]], 0), [150, 150]);
  assert.deepEqual(
    place(
      [
        [-3, 3],
        [3, -3],
      ],
      1,
    ),
    [300, 300],
  );
});

test('in the coordinates of the ODE the end lies on the axis, and noise goes to the right', () => {
  const alphaBar = Float32Array.of(1, 0.5, 0.1);
  const { X, Y, place } = odeScale(300, [0, 1, 2], alphaBar);
  /** @type {[number, number][]} */
  const path = [
    [1, 9],
    [Math.SQRT1_2, 9],
    [0, 9],
  ];
  assert.deepEqual(place(path, 0), [34, Y(1)]);
  const [x, y] = place(path, 1);
  assert.ok(Math.abs(x - X(1)) < 1e-4 && Math.abs(y - Y(1)) < 1e-4);
  assert.ok(Math.abs(place(path, 2)[0] - X(3)) < 1e-4);
});

test('a place on the way is the moment nearest to it, from noise to the end', () => {
  const run = { t: [0, 250, 500, 750, 1000] };
  assert.deepEqual(
    [0, 0.25, 0.4, 1].map((place) => momentAt(run, place)),
    [4, 3, 2, 0],
  );
});
