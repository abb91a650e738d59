import assert from 'node:assert/strict';
import test from 'node:test';

import { escapeHtml, fillText, knownLanguage, withoutMarkup } from '../../explorer/ui/web/fill_text.js';

test('a name is a value, or a symbol, or stays as it is', () => {
  const symbol = (name) => (name === 'eta' ? 'η' : undefined);
  assert.equal(fillText('{eta} = {value}, {other}', { value: 0 }, String, symbol), 'η = 0, {other}');
  assert.equal(fillText('{eta}', { eta: 'mine' }, String, symbol), 'mine');
  assert.equal(fillText('{constructor}', {}, String, symbol), '{constructor}');
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
