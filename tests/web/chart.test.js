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

test('a line can have markers, error bars and a coloured label, and the chart titles and bands', () => {
  const line = { points: [[500, 0.5]], colour: 'red', marker: 'square', bars: [[500, 0.25, 0.75]], label: { at: [0, 0.5], dy: 4, text: 'one', colour: 'red' } }; // prettier-ignore
  const more = { margin: { top: 28, bottom: 40 }, xTitle: 'time', yTitle: 'value', bands: [{ from: 0, to: 1, colour: 'grey' }] }; // prettier-ignore
  const { svg, top, foot } = lineChart({ ...OPTIONS, ...more, lines: [line] });
  assert.deepEqual([top, foot], [28, 88]);
  assert.match(svg, /<path class="bar" d="M134.0 73.0V43.0M131.5 43.0H136.5M131.5 73.0H136.5"[^>]* stroke="red"/);
  assert.match(svg, /<path d="M130.8 54.8L137.2 54.8L137.2 61.2L130.8 61.2Z" class="marker" fill="red"/);
  assert.match(svg, /<text class="label"[^>]* style="fill: red">one</);
  assert.match(svg, /<path class="band" d="M34 88.0H234V28.0H34Z" fill="grey"/);
  assert.match(svg, /class="title"[^>]*>time<.*class="title"[^>]*>value</);
});
