import assert from 'node:assert/strict';
import test from 'node:test';

import { plainMath, scriptsOf } from '../../explorer/ui/web/plain_math.js';
import { SYMBOLS } from '../../explorer/ui/web/symbols.js';

/** As the page has always written them in labels and in files. */
const LINES = {
  x_T: 'x_T',
  x_prev: 'x_{t−1}',
  x0: 'x̂_0',
  t_prev: 't_{prev}',
  sigma_of_eta: 'σ(η)',
  sigma_hat: 'σ̂',
  alpha_bar: 'ᾱ_t',
  alpha_bar_prev: 'ᾱ_{t−1}',
  sqrt_alpha_bar: '√ᾱ_t',
  sqrt_dim: '√D',
  eps: 'ε',
  sigma_t: 'σ_t',
  x_T_of_w: 'x_T(w)',
  x_scaled: 'x/√ᾱ',
  noise_scaled: '√((1−ᾱ)/ᾱ)',
  score: '−ε/√(1−ᾱ_t)',
  ddim_symbol: 'α_t',
};

test('every symbol has its line of text', () => {
  for (const [name, line] of Object.entries(LINES))
    assert.equal(plainMath(SYMBOLS[name][0]), line.normalize('NFC'), name);
});

test('the notation of the DDIM paper has no bar, but where the bar itself is the matter', () => {
  assert.equal(plainMath(SYMBOLS.sqrt_alpha_bar[0], false), '√α_t');
  assert.equal(plainMath(SYMBOLS.ddpm_symbol[0], false), 'ᾱ_t'.normalize('NFC'));
});

test('fractions, classes and links leave what is read', () => {
  assert.equal(
    plainMath('\\frac{x_t - \\sqrt{1-\\ab{t}}\\,\\varepsilon}{\\sqrt{\\ab{t}}}'),
    '(x_t−√(1−ᾱ_t) ε)/√ᾱ_t'.normalize('NFC'),
  );
  assert.equal(
    plainMath('\\htmlData{link=x_t eps}{\\htmlClass{x0-colour}{\\hat x_0}} = \\eta^2'),
    'x̂_0 = η²'.normalize('NFC'),
  );
});

test('indices and exponents of a line are found again', () => {
  assert.deepEqual(scriptsOf('x_{t−1} = ε^{(t)}'), [
    { text: 'x', lower: 0 },
    { text: 't−1', lower: 1 },
    { text: ' = ε', lower: 0 },
    { text: '(t)', lower: -1 },
  ]);
});
