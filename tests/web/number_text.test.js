import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';

import { numberAfterKey } from '../../explorer/ui/shell/scales.js';
import { readNumber, readWhole, typed } from '../../explorer/ui/web/number_text.js';

// Also read by tests/test_number_text.py: the page and the server agree on every text.
const cases = JSON.parse(readFileSync(new URL('../data/typed_numbers.json', import.meta.url), 'utf8'));

test('a text is the number that people mean, or none', () => {
  assert.ok(cases.length > 30);
  for (const { text, number, whole } of cases) {
    assert.deepEqual([readNumber(text) ?? null, readWhole(text) ?? null], [number, whole], text);
  }
});

test('what a double cannot hold stays a text, which Python reads exactly', () => {
  assert.equal(readWhole('9007199254740991'), undefined);
  assert.equal(readWhole('900719925474099'), 900719925474099);
  assert.equal(readNumber('1e999'), undefined);
});

const input = (value, dataset = {}, type = 'text') => ({ type, value, dataset, checked: value === 'on' });

test('an input has a number, what was typed if that is none, or null if it is empty', () => {
  assert.equal(typed(input('0,5', { number: 'decimal' })), 0.5);
  assert.equal(typed(input('1,000', { number: 'whole' })), 1000);
  assert.equal(typed(input(' abc ', { number: 'whole' })), 'abc');
  assert.equal(typed(input('  ', { number: 'decimal' })), null);
  assert.equal(typed(input('22', { latent: '' })), 22);
  assert.equal(typed(input('slerp(1, 2, 0,5)', { latent: '' })), 'slerp(1, 2, 0,5)');
  assert.equal(typed(input('', { latent: '' })), null);
  assert.equal(typed(input('5, 10')), '5, 10');
  assert.equal(typed(input('0.5', {}, 'range')), 0.5);
  assert.equal(typed(input('on', {}, 'checkbox')), true);
});

test('arrow keys move a number in a field within its range', () => {
  assert.equal(numberAfterKey('ArrowUp', 'eta', 0.3, 1000), 0.35);
  assert.equal(numberAfterKey('ArrowUp', 'eta', 0.98, 1000), 1);
  assert.equal(numberAfterKey('ArrowDown', 'steps', 1, 1000), 1);
  assert.equal(numberAfterKey('ArrowUp', 'steps', 100, 100), 100);
  assert.equal(numberAfterKey('ArrowDown', 'noise_seed', 7, 1000), 6);
  assert.equal(numberAfterKey('ArrowLeft', 'steps', 5, 1000), undefined);
  assert.equal(numberAfterKey('ArrowUp', 'seed', 5, 1000), undefined);
  assert.equal(numberAfterKey('ArrowUp', 'eta', NaN, 1000), undefined);
});
