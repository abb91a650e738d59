import assert from 'node:assert/strict';
import test from 'node:test';

import { cursorMarks, lineChart } from '../../explorer/ui/web/chart.js';

const OPTIONS = {
  width: 242,
  height: 128,
  xRange: [1000, 0],
  yRange: [0, 1],
  xTicks: [[1000, 't = 1000', 'start']],
  yTicks: [0, 1],
  lines: [{ points: [[1000, 0], [0, 1]], colour: 'red', link: 'sigma', name: 'this run' }],
}; // prettier-ignore

test('time runs from left to right as the axis says, and values upwards', () => {
  const { X, Y, top, foot } = lineChart(OPTIONS);
  assert.deepEqual([X(1000), X(500), X(0)], [34, 134, 234]);
  assert.deepEqual([Y(0), Y(1)], [foot, top]);
});

test('a line can be pointed at beside it, and is thicker where it must be seen from afar', () => {
  const { svg } = lineChart({ ...OPTIONS, emphasis: 2 });
  assert.match(
    svg,
    /class="line" d="M34.0 108.0L234.0 8.0" fill="none" data-link="sigma" stroke="red" stroke-width="4.5"/,
  );
  assert.match(svg, /class="hit" d="M34.0 108.0L234.0 8.0" fill="none" data-link="sigma" stroke-width="16"/);
  assert.match(svg, /data-name="this run"/);
});

test('a single point is a dot', () => {
  const { svg } = lineChart({ ...OPTIONS, lines: [{ points: [[500, 0.5]], colour: 'red' }] });
  assert.match(svg, /<circle cx="134" cy="58" r="2" fill="red"\/>/);
});

test('the cursor has a mark for every point', () => {
  const marks = cursorMarks(lineChart(OPTIONS), 500, [[500, 0.5, 'blue', 'eps']]);
  assert.match(marks, /^<path d="M134 8V108"/);
  assert.match(marks, /<circle cx="134" cy="58" r="4" fill="blue" .* data-link="eps"\/>$/);
});
