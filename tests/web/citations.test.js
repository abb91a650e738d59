import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';

import { citation, labels } from '../../explorer/ui/web/citations.js';
import { fillText } from '../../explorer/ui/web/fill_text.js';

const references = JSON.parse(readFileSync(new URL('../../explorer/ui/references.json', import.meta.url), 'utf8'));
const cited = labels(references);

test('a text names one, two, or the first of several authors', () => {
  const of = (...authors) => labels([{ key: 'a', authors, year: 2020 }]).get('a');
  assert.equal(of('Ada Lovelace'), 'Lovelace 2020');
  assert.equal(of('Alex Nichol', 'Prafulla Dhariwal'), 'Nichol & Dhariwal 2020');
  assert.equal(of('J. P. Lewis', 'W. Bastiaan Kleijn', 'Daniel Cohen-Or'), 'Lewis et al. 2020');
});

test('no two references are called the same', () => {
  assert.equal(cited.get('ddim'), 'J. Song et al. 2020');
  assert.equal(cited.get('score_sde'), 'Y. Song et al. 2020');
  assert.equal(cited.get('aidi'), 'Pan et al. 2023');
  assert.equal(new Set(cited.values()).size, references.length);
});

test('a citation in a text is a link to its entry; an unknown one stays as it is written', () => {
  const symbol = (name) => citation(name.replace('cite.', ''), cited);
  const fillings = { value: String, symbol, reading: String, paper: String };
  assert.equal(
    fillText('as in {cite.v_prediction}, {cite.nobody}', {}, fillings),
    'as in <a class="cite" href="#reference-v_prediction" data-cite="v_prediction">Salimans &amp; Ho 2022</a>, {cite.nobody}',
  );
});
