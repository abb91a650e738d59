import assert from 'node:assert/strict';
import test from 'node:test';

import { RunSwitch } from '../../explorer/ui/tabs/steps/run_switch.js';

const PLAN = [
  [1000, 500, 0.1, 0.5, 0.7, 0.6, 0.2, 1, 2],
  [500, 0, 0.5, 1, 1, 0, 0, 1, 2],
];
/** What Python sends of a run after its first step. */
const valueOf = (more) => ({
  settings: { seed: 1 },
  T: 1000,
  shape: [3, 64, 64],
  alpha_bar: '[[0, 1], [1000, 0]]',
  plan: JSON.stringify(PLAN),
  kept: '[0, 1]',
  forks: '{"count": 8, "curve": [0, 1]}',
  rows: '[1]\n',
  previews: '0\ta\n',
  state: 'running',
  ...more,
});
const ENDED = { state: 'ended', rows: '[1]\n[2]\n', previews: '0\ta\n1\tb\n' };

/** A screen that writes down what it is told. */
function screenAt(wish) {
  const told = [];
  const names = [
    'drawStatus',
    'showError',
    'showRun',
    'showMore',
    'showSheet',
    'showFrame',
    'showFollowUps',
    'tellEnd',
  ];
  const acts = Object.fromEntries(names.map((name) => [name, () => told.push(name)]));
  return { wish, problem: null, told, ...acts };
}

test('the first run is shown as soon as it has a picture', () => {
  const screen = screenAt({ t: 1 }),
    runs = new RunSwitch(screen);
  runs.take(valueOf({ id: 1, count: 1, rows: '', previews: '' }));
  assert.deepEqual([runs.run, runs.coming?.id], [null, 1]);
  runs.take(valueOf({ id: 1, count: 1 }));
  assert.deepEqual([runs.run?.id, runs.coming], [1, null]);
  assert.deepEqual(screen.told, ['drawStatus', 'showRun', 'showMore']);
});

test('the run before stays until the newest one has come to where the user is', () => {
  const screen = screenAt({ t: 500 }),
    runs = new RunSwitch(screen);
  runs.take(valueOf({ id: 1, count: 1, ...ENDED }));
  runs.expect({ seed: 2 }, 2);
  runs.take(valueOf({ id: 2, count: 2 }));
  assert.deepEqual([runs.run?.id, runs.coming?.id], [1, 2]);
  runs.take(valueOf({ id: 2, count: 2, ...ENDED }));
  assert.deepEqual([runs.run?.id, runs.coming], [2, null]);
  assert.equal(screen.told.filter((name) => name === 'tellEnd').length, 2);
});

test('what comes late of an older run is passed over', () => {
  const screen = screenAt({ t: 1000 }),
    runs = new RunSwitch(screen);
  runs.take(valueOf({ id: 2, count: 2 }));
  screen.told.length = 0;
  runs.take(valueOf({ id: 1, count: 1, ...ENDED }));
  runs.take({ id: 3, count: 1, state: 'error', message: 'no' });
  assert.deepEqual([screen.told, screen.problem, runs.run?.id], [[], null, 2]);
});

test('an error keeps the pictures, and the next run clears it', () => {
  const screen = screenAt({ t: 1000 }),
    runs = new RunSwitch(screen);
  runs.take(valueOf({ id: 1, count: 1 }));
  runs.take({ id: 2, count: 2, state: 'error', message: 'no' });
  assert.deepEqual([screen.problem.message, runs.run?.id, screen.told.at(-1)], ['no', 1, 'showError']);
  runs.take({ id: 3, count: 3, state: 'queued', message: 'third' });
  assert.deepEqual([runs.isQueued, runs.note], [true, 'third']);
  runs.take(valueOf({ id: 3, count: 3 }));
  assert.deepEqual([runs.isQueued, screen.problem], [false, null]);
});

test('a run that is remembered is shown at once, and its answer changes only the message', () => {
  const screen = screenAt({ t: 500 }),
    runs = new RunSwitch(screen);
  runs.take(valueOf({ id: 1, count: 1, ...ENDED }));
  Object.assign(runs.run ?? {}, { sheet: { naturalWidth: 10, naturalHeight: 10 } });
  runs.run?.onSheet();
  runs.take(valueOf({ id: 2, count: 2, settings: { seed: 2 }, ...ENDED }));
  assert.equal(runs.run?.id, 2);
  runs.expect({ seed: 1, eta: 0 }, 3);
  assert.equal(runs.run?.id, 1);
  screen.told.length = 0;
  runs.take(valueOf({ id: 3, count: 3, message: 'kept', ...ENDED }));
  assert.deepEqual([runs.run?.id, runs.note, screen.told], [1, 'kept', ['showFollowUps']]);
});

test('the end of a run is told when its futures are there too', () => {
  const screen = screenAt({ end: true }),
    runs = new RunSwitch(screen);
  const told = () => screen.told.filter((name) => name === 'tellEnd').length;
  const futures = (state) => JSON.stringify({ state });
  runs.take(valueOf({ id: 1, count: 1, ...ENDED, futures: futures('waiting') }));
  runs.take(valueOf({ id: 1, count: 1, ...ENDED, futures: futures('running') }));
  assert.equal(told(), 0);
  runs.take(valueOf({ id: 1, count: 1, ...ENDED, futures: futures('ended') }));
  assert.equal(told(), 1);
});
