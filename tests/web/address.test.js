import assert from 'node:assert/strict';
import test from 'node:test';

import { queryOf, settingFrom, settingsFrom, tabFrom, viewFrom, viewKeys } from '../../explorer/ui/web/address.js';

const DEFAULTS = { checkpoint: 'faces', seed: 22, eta: 0, steps: 20, clip: false, lengths: '5, 10' };
const TABS = ['steps', 'compare'];
const KEYS = ['t', 'moment', 'show'];

test('an address says what differs from the defaults, and gives it back', () => {
  const settings = { ...DEFAULTS, seed: 7, eta: 0.5, clip: true, lengths: '5, 20' };
  const view = { moment: 300, show: null, t: undefined };
  const query = queryOf({ tab: 'compare', tabs: TABS, settings, defaults: DEFAULTS, view, keys: KEYS });
  assert.equal(query, 'tab=compare&seed=7&eta=0.5&clip=1&lengths=5%2C+20&moment=300');
  const address = new URLSearchParams(query);
  assert.deepEqual(settingsFrom(address, DEFAULTS), settings);
  assert.deepEqual(viewFrom(address, KEYS), { moment: '300' });
  assert.equal(tabFrom(address, TABS), 'compare');
});

test('the usual state has an empty address; the language and what is of Gradio stay', () => {
  const state = { tab: 'steps', tabs: TABS, settings: DEFAULTS, defaults: DEFAULTS, view: {}, keys: KEYS };
  assert.equal(queryOf(state), '');
  assert.equal(queryOf({ ...state, chosen: ['eta', 'clip'] }), 'eta=0&clip=0'); // unless it was chosen
  assert.equal(
    queryOf({ ...state, language: 'ko', before: new URLSearchParams('__theme=dark&seed=1') }),
    'lang=ko&__theme=dark',
  );
});

test('what cannot be read in the type of its default stays text, for the server to refuse', () => {
  assert.equal(settingFrom('steps', 20, 'many'), 'many');
  assert.equal(settingFrom('eta', 0, '0,25'), 0.25);
  assert.equal(settingFrom('steps', 20, '9'.repeat(20)), '9'.repeat(20));
  assert.equal(settingFrom('eta', 0, '0.25'), 0.25);
  assert.equal(settingFrom('eta', 0, ''), '');
  assert.equal(settingFrom('clip', false, 'yes'), 'yes');
  assert.equal(settingFrom('clip', false, 'True'), true);
  assert.equal(settingFrom('seed', 22, 'encode(3, 50)'), 'encode(3, 50)');
});

test('an unknown tab is the first one', () => {
  assert.equal(tabFrom(new URLSearchParams('tab=constructor'), TABS), 'steps');
});

test('two tabs may share a key of what is looked at', () => {
  const keys = viewKeys({ steps: ['t'], compare: ['show', 'moment'], encode: ['moment'], quality: [] });
  assert.deepEqual(keys, ['t', 'show', 'moment', 'notation', 'stop', 'handout']);
});
