// The charts and numbers of the Solvers tab.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { errorChart } from '../../explorer/ui/tabs/solvers/error_chart.js';
import { readingsOf } from '../../explorer/ui/tabs/solvers/readings.js';
import { SOLVERS } from '../../explorer/ui/tabs/solvers/solvers.js';
import { errorAt, worseThanDdim } from '../../explorer/ui/tabs/solvers/worse.js';
import { leastContrast, leastDifference } from './colours.js';

/** Errors that fall with an order. @param {number} order @param {number} factor @param {number[]} calls */
const line = (order, factor, calls = [4, 8, 16]) => ({
  points: /** @type {[number, number][]} */ (calls.map((N) => [N, factor * N ** -order])),
  slope: order,
});

test('an error between two points lies on the straight line of logarithms', () => {
  const { points } = line(1, 1);
  assert.ok(Math.abs(Number(errorAt(points, 6)) - 1 / 6) < 1e-12);
  assert.equal(errorAt(points, 8), 1 / 8);
  assert.equal(errorAt(points, 3), null);
  assert.equal(errorAt(points, 17), null);
});

test('a solver is worse than DDIM up to the calls at which its line crosses', () => {
  const errors = {
    ddim: line(1, 1),
    heun: line(2, 10, [3, 7, 15]), // crosses at N = 10
    'dpm-solver++-2m': line(2, 1),
    rk4: line(4, 5000, [5, 13]),
  };
  assert.deepEqual(worseThanDdim(errors), [
    { solver: 'heun', calls: 7 },
    { solver: 'rk4', calls: 13 },
  ]);
  assert.deepEqual(worseThanDdim({}), []);
});

const TITLES = { size: { width: 400, height: 300 }, xTitle: 'calls', yTitle: 'error' };

test('both axes are logarithmic, and every solver with points has a line with its name', () => {
  const options = errorChart({ ddim: line(1, 1), rk4: line(4, 100) }, TITLES);
  assert.ok(options);
  const drawn = options.lines.filter((entry) => entry.marker);
  assert.deepEqual(
    drawn.map((entry) => entry.label?.text),
    ['DDIM', 'RK4'],
  );
  const [[x0, y0], [x1, y1]] = drawn[0].points;
  assert.ok(Math.abs((y1 - y0) / (x1 - x0) + 1) < 1e-12);
  assert.deepEqual(
    options.xTicks.map(([, label]) => label),
    [4, 8, 16],
  );
  assert.deepEqual(
    options.yTicks.map((v) => options.yLabel?.(v)),
    ['10⁻²', '10⁻¹'],
  );
});

test('errors of 0 and of runs that have left the picture are not drawn', () => {
  assert.equal(errorChart({}, TITLES), null);
  const points = /** @type {[number, number][]} */ ([
    [4, 30],
    [8, 0.1],
    [16, 0],
  ]);
  const options = errorChart({ ddim: { points, slope: null } }, TITLES);
  assert.deepEqual(
    options?.lines.filter((entry) => entry.marker).map((entry) => entry.points),
    [[[Math.log(8), Math.log(0.1)]]],
  );
});

test('readings are per cent of the range of a picture, and absent until they are measured', () => {
  const plans = { ddim: { steps: 16, calls: 16, first_jump: 0.456, order: 1 } };
  const value = { plans, exact: { ddim: line(1.03, 1) }, calls: 16, reference: { steps: 200 } };
  const before = readingsOf({ ...value, errors: {}, difference: null });
  assert.equal(before.error_ddim, null);
  assert.equal(before.difference, null);
  const after = readingsOf({ ...value, errors: { ddim: 0.0336 }, difference: 7e-7 });
  assert.deepEqual(
    [after.error_ddim, after.jump_ddim, after.order_ddim, after.steps_ddim, after.difference],
    ['3.4 %', '46 %', '1.03', 16, '7.0e−7'],
  );
});

test('in both themes the colours stand out from the page, and from each other for every kind of colour vision', () => {
  const css = readFileSync(new URL('../../explorer/ui/tabs/solvers/tab.css', import.meta.url), 'utf8');
  const themes = /** @type {const} */ ([
    ['body', '#ffffff', '#16191d'],
    ['body.dark', '#101316', '#edeff2'],
  ]);
  for (const [theme, page, ink] of themes) {
    const block = `\n${css}`.split(`\n${theme} {`)[1].split('}')[0];
    const colours = Object.values(SOLVERS).map(({ colour }) => {
      const name = /--[\w-]+/.exec(colour)?.[0] ?? '';
      return new RegExp(`${name}: (#\\w{6})`).exec(block)?.[1] ?? ink;
    });
    assert.equal(new Set(colours).size, 6);
    assert.ok(leastContrast(colours, page) >= 3, theme);
    assert.ok(leastDifference(colours.filter((colour) => colour !== ink)) >= 0.1, theme);
  }
  assert.equal(new Set(Object.values(SOLVERS).map(({ marker }) => marker)).size, 6);
});
