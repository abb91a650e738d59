import assert from 'node:assert/strict';
import test from 'node:test';

import { MAX_POINTS, pointsOf, rounded, textOf } from '../../explorer/ui/tabs/paths/drawing_code.js';
import { pointsInCsv, pointsInPicture } from '../../explorer/ui/tabs/paths/drawing_files.js';
import { DrawingModel } from '../../explorer/ui/tabs/paths/drawing_model.js';

/** @typedef {import('../../explorer/ui/tabs/paths/drawing_code.js').Point} Point */

/** @param {Point[]} way */
function stroke(model, way) {
  model.begin();
  for (const place of way) model.drawTo(place);
}

test('the text is the one that Python writes', () => {
  /** @type {Point[]} */
  const points = [
    [-3, 3],
    [0, 0],
    [0.025, -0.5],
    [2.975, 1],
  ];
  assert.equal(textOf(points), 'CPiAgIFs96g'); // explorer.ui.tabs.paths.drawing.text_of
  assert.deepEqual(pointsOf('CPiAgIFs96g'), points);
});

test('every place on the grid comes back, others are rounded and kept within the plane', () => {
  const every = Array.from({ length: 241 }, (_, k) => /** @type {Point} */ ([(k - 120) / 40, (120 - k) / 40]));
  assert.deepEqual(pointsOf(textOf(every)), every);
  assert.deepEqual([rounded(0.013), rounded(7), rounded(-7)], [0.025, 3, -3]);
  assert.equal(textOf(Array(MAX_POINTS).fill([-3, 3])).length, 1334);
});

test('what is no drawing has no points', () => {
  for (const text of ['', 'g', '%%%', 'gI A', 'gIA=', '点']) assert.deepEqual(pointsOf(text), []);
});

test('a stroke places points at even distances, however fast the pointer is', () => {
  const [slow, fast] = [new DrawingModel(), new DrawingModel()];
  stroke(
    slow,
    Array.from({ length: 201 }, (_, k) => /** @type {Point} */ ([k / 100 - 1, 0])),
  );
  stroke(fast, [
    [-1, 0],
    [1, 0],
  ]);
  assert.equal(fast.points.length, 26);
  assert.ok(Math.abs(slow.points.length - 26) <= 4, String(slow.points.length));
  for (const { points } of [slow, fast]) {
    points.slice(1).forEach(([x], k) => assert.ok(x - points[k][0] > 0.05 && x - points[k][0] < 0.13));
  }
});

test('a click places one point, and a second one at the same place none', () => {
  const model = new DrawingModel();
  stroke(model, [[0.5, 0.5]]);
  stroke(model, [[0.5, 0.51]]);
  assert.deepEqual(model.points, [[0.5, 0.5]]);
  assert.equal(model.points, model.before); // nothing has changed
});

test('the five hundredth point is the last one', () => {
  const model = new DrawingModel();
  for (let row = 0; row < 8; row++) {
    stroke(model, [
      [-3, row / 4],
      [3, row / 4],
    ]);
  }
  assert.equal(model.points.length, MAX_POINTS);
  assert.ok(model.isFull);
});

test('the eraser removes what is near its way, also between two places', () => {
  const model = new DrawingModel();
  model.reset([
    [-1, 0],
    [0, 0.1],
    [0, 1],
    [1, 0],
  ]);
  model.begin();
  assert.equal(model.eraseTo([-1, 0]), 1);
  assert.equal(model.eraseTo([1, 0]), 2);
  assert.equal(model.eraseTo([1, 0]), 0);
  assert.deepEqual(model.points, [[0, 1]]);
});

test('undo and redo go through whole strokes, and a new stroke ends redo', () => {
  const model = new DrawingModel();
  const states = [model.points];
  for (const y of [0, 1, 2]) {
    stroke(model, [
      [-1, y],
      [1, y],
    ]);
    states.push(model.points);
  }
  model.replace([]);
  assert.ok(model.undo());
  assert.equal(model.points, states[3]);
  model.undo();
  model.undo();
  assert.equal(model.points, states[1]);
  model.redo();
  assert.equal(model.points, states[2]);
  stroke(model, [[2, 2]]);
  assert.equal(model.redo(), false);
  for (let k = 0; k < 3; k++) model.undo();
  assert.equal(model.points, states[0]);
  assert.equal(model.undo(), false);
});

test('a stroke that is given up leaves nothing, and a drawing from elsewhere has nothing to undo', () => {
  const model = new DrawingModel();
  stroke(model, [[1, 1]]);
  const before = model.points;
  stroke(model, [
    [0, 0],
    [1, 0],
  ]);
  model.cancel();
  assert.equal(model.points, before);
  model.reset([[2, 2]]);
  assert.equal(model.canUndo || model.canRedo, false);
});

test('a CSV is read with or without names, and with several separators', () => {
  const expected = [
    [1, 2],
    [-0.5, 0.25],
  ];
  for (const text of [
    '1,2\n-0.5,0.25\n',
    '1, 2\r\n-0.5, 0.25',
    '1;2\n-0.5;0.25',
    '1\t2\n-0.5\t0.25',
    '1 2\n -0.5   0.25 ',
    '\ufeffx,y\n1,2\n-0.5,0.25',
    'name,"y","x"\na,2,1\nb,0.25,-0.5',
    '# points\n1,2\n\nno,numbers\n-0.5,0.25',
  ]) {
    assert.deepEqual(pointsInCsv(text)?.points, expected, text);
  }
  for (const text of ['', 'x,y', 'a,b\nc,d', '1\n2\n', ',,\n', '1,NaN', '1,Infinity']) {
    assert.equal(pointsInCsv(text), null, text);
  }
});

test('points outside of the plane are scaled as a whole, others stay where they are', () => {
  const found = pointsInCsv('0,0\n100,0\n100,50\n');
  assert.deepEqual(found, {
    points: [
      [-2, -1],
      [2, -1],
      [2, 1],
    ],
    count: 3,
    isScaled: true,
  });
  assert.equal(pointsInCsv('3,3\n-3,-3')?.isScaled, false);
  assert.deepEqual(pointsInCsv('1e300,1e300\n')?.points, [[0, 0]]);
});

test('too many points of a CSV are sampled evenly in their order', () => {
  const found = pointsInCsv(Array.from({ length: 5000 }, (_, k) => `${k / 5000},0`).join('\n'));
  assert.equal(found?.count, 5000);
  assert.equal(found?.points.length, MAX_POINTS);
  assert.deepEqual(found?.points[250], [0.5, 0]);
});

/** A picture with a dark disk. @param {number} width @param {number} height @param {number} radius */
const disk = (width, height, radius) =>
  Array.from({ length: width * height }, (_, k) => {
    const [x, y] = [(k % width) + 0.5 - width / 2, Math.floor(k / width) + 0.5 - height / 2];
    return Math.hypot(x, y) < radius ? 20 : 250;
  });

test('dark pixels become points at their places, the top of the picture above', () => {
  const picture = Array(16).fill(255);
  picture[1] = picture[14] = 0; // second of the first row, third of the last
  assert.deepEqual(pointsInPicture(picture, 4), {
    points: [
      [-0.5, 1.5],
      [0.5, -1.5],
    ],
    count: 2,
    isScaled: false,
  });
});

test('too many dark pixels are thinned out evenly, and always in the same way', () => {
  const picture = disk(200, 100, 40);
  const found = pointsInPicture(picture, 200);
  assert.deepEqual(found, pointsInPicture(picture, 200));
  const points = found?.points ?? [];
  assert.ok(points.length > MAX_POINTS / 2 && points.length <= MAX_POINTS, String(points.length));
  assert.ok(points.every(([x, y]) => Math.hypot(x, y) < 0.85)); // 40 of the 100 pixels that are 2 units
  const quarters = [0, 0, 0, 0];
  for (const [x, y] of points) quarters[(x > 0 ? 1 : 0) + (y > 0 ? 2 : 0)] += 1;
  assert.ok(Math.max(...quarters) - Math.min(...quarters) < 0.15 * points.length, String(quarters));
});

test('a picture of one brightness has no dark pixels', () => {
  assert.equal(pointsInPicture(Array(100).fill(200), 10), null);
  assert.equal(pointsInPicture(Array(100).fill(0), 10), null);
});
