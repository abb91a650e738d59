import assert from 'node:assert/strict';
import test from 'node:test';

import { answersAsCsv, readAnswers, scoreOf } from '../../explorer/ui/tabs/exercises/predictions.js';
import { FORMULAS, stubOf } from '../../explorer/ui/tabs/exercises/tasks.js';

const QUESTIONS = [
  { name: 'jump', right: 2 },
  { name: 'few', right: 3 },
];

test('answers are read back, and what is none is left out', () => {
  const stored = JSON.stringify({ before: { jump: 2, few: 7 }, after: { few: 3 }, other: 1 });
  assert.deepEqual(readAnswers(stored), { before: { jump: 2 }, lesson: {}, after: { few: 3 } });
  for (const text of [null, 'no json', '3', '[]'])
    assert.deepEqual(readAnswers(text), { before: {}, lesson: {}, after: {} });
});

test('a score counts the answers and the right ones', () => {
  assert.deepEqual(scoreOf(QUESTIONS, { jump: 2, few: 1 }), { answered: 2, right: 1 });
});

test('the file has a row for each question, before and after the lesson', () => {
  const answers = readAnswers(JSON.stringify({ before: { jump: 1 }, after: { jump: 2, few: 3 } }));
  const [head, first, second] = answersAsCsv(QUESTIONS, answers, ({ name }) => `Which "${name}"?`).split('\r\n');
  assert.match(head, /"stop","question","right","before","lesson","after","before_is_right"/);
  assert.equal(first, '"jump","Which ""jump""?","2","1","","2","0","","1"');
  assert.equal(second, '"few","Which ""few""?","3","","","3","","","1"');
});

test('a stub has the signature and the check, in the language of the page', () => {
  const stub = stubOf('sigma', 'sigma(alpha_bar, alpha_bar_prev, eta)', 'ko');
  assert.match(stub, /def sigma\(alpha_bar, alpha_bar_prev, eta\):/);
  assert.match(stub, /ex\.check\("sigma", sigma, language="ko"\)/);
  assert.equal(Object.keys(FORMULAS).length, 8);
});
