import assert from 'node:assert/strict';
import test from 'node:test';

import { FollowingSettings, unnamed } from '../../explorer/ui/shell/following_settings.js';

const ABOUT = {
  defaults: { checkpoint: 'faces', eta: 0, steps: 20, clip: false },
  default_eta: { steps: 0, compare: 0.5, paths: 0.5 },
};
const CHECKPOINTS = { faces: { T: 1000, clips: false }, tiny: { T: 12, clips: true } };
const begin = () => new FollowingSettings(ABOUT, CHECKPOINTS);
const query = (text) => new URLSearchParams(text);

test('η is that of the tab until it is chosen, and then the same on every tab', () => {
  const following = begin();
  let settings = ABOUT.defaults;
  const etas = (...tabs) =>
    tabs.map((tab) => {
      settings = following.after(settings, {}, tab);
      return settings.eta;
    });
  assert.deepEqual(etas('steps', 'compare', 'steps', 'paths'), [0, 0.5, 0, 0.5]);
  assert.deepEqual(following.chosen, []);
  settings = following.after(settings, { eta: 0.3 }, 'paths');
  assert.deepEqual(etas('paths', 'compare', 'steps'), [0.3, 0.3, 0.3]);
  settings = following.after(settings, { eta: 0 }, 'steps');
  assert.deepEqual(etas('steps', 'compare'), [0, 0]);
  assert.deepEqual(following.chosen, ['eta']);
  settings = following.after(settings, { eta: undefined }, 'compare'); // as an address without it says
  assert.deepEqual(etas('compare', 'steps'), [0.5, 0]);
});

test('an empty field is a choice, for the server to refuse', () => {
  const following = begin();
  assert.equal(following.after(ABOUT.defaults, { eta: null }, 'compare').eta, null);
  assert.deepEqual(following.chosen, ['eta']);
});

test('clip is that of the checkpoint until it is chosen, and S is within its T', () => {
  const following = begin();
  const tiny = following.after(ABOUT.defaults, { checkpoint: 'tiny' }, 'steps');
  assert.deepEqual(tiny, { checkpoint: 'tiny', eta: 0, steps: 12, clip: true });
  const chosen = following.after(tiny, { clip: false }, 'steps');
  assert.equal(following.after(chosen, { checkpoint: 'faces' }, 'steps').clip, false);
  assert.equal(following.after(chosen, { checkpoint: 'tiny' }, 'steps').clip, false);
  assert.equal(following.after(chosen, { clip: undefined }, 'steps').clip, true);
});

test('an address leaves out the defaults of its tab and of its checkpoint', () => {
  const following = begin();
  assert.deepEqual(following.defaults('steps', 'faces'), ABOUT.defaults);
  assert.deepEqual(following.defaults('compare', 'tiny'), { ...ABOUT.defaults, eta: 0.5, clip: true });
});

test('what an address does not name is no choice, nor what the server could not use', () => {
  assert.deepEqual(unnamed(query('tab=compare&eta=0')), { clip: undefined });
  assert.deepEqual(unnamed(query('clip=1&seed=3')), { eta: undefined });
  const found = { ...ABOUT.defaults, eta: 0.5, clip: true };
  const choices = (text) => begin().choicesIn(query(text), found);
  assert.deepEqual(choices('tab=compare'), { clip: undefined, eta: undefined });
  assert.deepEqual(choices('tab=compare&eta=0,5&clip=true'), { clip: true, eta: 0.5 });
  assert.deepEqual(choices('tab=compare&eta=two&clip=2'), { clip: undefined, eta: undefined });
});
