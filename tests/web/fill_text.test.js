import assert from 'node:assert/strict';
import test from 'node:test';

import { escapeHtml, fillText, keepTogether, knownLanguage, withoutMarkup } from '../../explorer/ui/web/fill_text.js';

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

test('a symbol stays on one line with its value, its particle and the punctuation after it', () => {
  const kept = (text) => keepTogether(text, (name) => ['eta', 't'].includes(name));
  assert.equal(kept('at {eta} = 0, as'), 'at <span class="kept">{eta} = 0,</span> as');
  assert.equal(kept('{eta} = {value} 时'), '<span class="kept">{eta} = {value}</span> 时');
  assert.equal(
    kept('{eta} = 0이면 {t}는 '),
    '<span class="kept">{eta} = 0이면</span> <span class="kept">{t}는</span> ',
  );
  assert.equal(kept('而不是 {t}：可见'), '而不是 <span class="kept">{t}：</span>可见');
  assert.equal(kept('{eta} grows, {text}.'), '{eta} grows, {text}.');
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
