import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';

import { expectedText, measuredText } from '../../explorer/ui/shell/derivation_values.js';
import { plainMath } from '../../explorer/ui/web/plain_math.js';

const UI = new URL('../../explorer/ui/', import.meta.url);
const read = (path) => JSON.parse(readFileSync(new URL(path, UI), 'utf8'));
const CARDS = read('shell/derivations.json');

/** @param {object} change */
const value = (change) => ({
  name: 'a',
  measured: 0,
  expected: 0,
  tolerance: 0,
  relation: 'equal',
  passed: true,
  ...change,
});

test('a number is shown with what it should be', () => {
  const equal = value({ measured: 0.280334, expected: 0.280335, tolerance: 1e-9 });
  assert.deepEqual([measuredText(equal), expectedText(equal)], ['0.2803', '0.2803']);
  const error = value({ measured: 4.1723e-7, expected: 2e-5, relation: 'at most' });
  assert.deepEqual([measuredText(error), expectedText(error)], ['4.2e−7', '2.0e−5']);
  const limit = value({ measured: 48, expected: 1, relation: 'above' });
  assert.deepEqual([measuredText(limit), expectedText(limit)], ['48', '1']);
});

test('a tolerance is shown if it is more than rounding', () => {
  assert.equal(expectedText(value({ expected: 0.0218, tolerance: 0.0354 })), '0.0218 ± 0.04');
  assert.equal(expectedText(value({ expected: 100, tolerance: 0.01 })), '100');
  assert.equal(expectedText(value({ tolerance: 1e-9 })), '0');
});

test('rounding of an expected 0 is shown as 0, a larger error and a number that is not finite are not', () => {
  assert.equal(measuredText(value({ measured: -1.7e-18, tolerance: 1e-9 })), '0');
  assert.equal(measuredText(value({ measured: 2e-3, tolerance: 1e-9, passed: false })), '0.002');
  assert.equal(measuredText(value({ measured: 2e-18, tolerance: 1, relation: 'at most' })), '2.0e−18');
  assert.equal(measuredText(value({ measured: null, passed: false })), '–');
});

test('every card has its formulas and sources, and no formula has a command without a line of text', () => {
  assert.equal(new Set(CARDS.map(({ name }) => name)).size, CARDS.length);
  for (const { name, formulas, sources } of CARDS) {
    assert.ok(formulas.length >= 2 && sources.length, name);
    for (const tex of formulas) {
      if (!tex) continue;
      const known = plainMath(tex).replace(/\b(?:log|clip|corr|const|Var|KL|NFE|coef\d|simple|sin)\b/g, '');
      assert.doesNotMatch(known, /[A-Za-z]{3}|\\/, `${name}: ${plainMath(tex)}`);
    }
  }
});
