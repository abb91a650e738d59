import assert from 'node:assert/strict';
import test from 'node:test';

import { escapeHtml, fillText, knownLanguage, withoutMarkup } from '../../explorer/ui/web/fill_text.js';

const FILLINGS = {
  value: String,
  symbol: (name) => (name === 'eta' ? 'η' : undefined),
  reading: (name) => `<${name}>`,
  paper: (numbers) => `[${numbers}]`,
};

test('a name is a value, or a symbol, or stays as it is', () => {
  assert.equal(fillText('{eta} = {value}, {other}', { value: 0 }, FILLINGS), 'η = 0, {other}');
  assert.equal(fillText('{eta}', { eta: 'mine' }, FILLINGS), 'mine');
  assert.equal(fillText('{constructor}', {}, FILLINGS), '{constructor}');
});

test('numbers of the run and of the paper are told from values and symbols', () => {
  const text = '{reading.error_10} beside {paper 0.014, 0.0065} at {eta} = 0';
  assert.equal(fillText(text, { paper: 'no' }, FILLINGS), '<error_10> beside [0.014, 0.0065] at η = 0');
  assert.equal(fillText('{reading.} {paper }', {}, FILLINGS), '{reading.} {paper }');
});

test('text is no markup', () => {
  assert.equal(escapeHtml('<img src="x"> & more'), '&lt;img src=&quot;x&quot;&gt; &amp; more');
  assert.equal(withoutMarkup('a <b>bold</b> word'), 'a bold word');
});

test('the first language that there is counts, whatever its region', () => {
  const languages = { en: 'English', zh: '中文' };
  assert.equal(knownLanguage(['fr', 'zh-TW', 'en'], languages), 'zh');
  assert.equal(knownLanguage([null, undefined, 'toString'], languages), undefined);
});
