import assert from 'node:assert/strict';
import test from 'node:test';

import { withSubscripts } from '../../explorer/ui/web/subscripts.js';

test('indices of symbols become subscripts, names of code stay', () => {
  assert.equal(
    withSubscripts('√(1−ᾱ_prev−σ²) ε_θ(x_t, t)'),
    '√(1−ᾱ<sub>prev</sub>−σ²) ε<sub>θ</sub>(x<sub>t</sub>, t)',
  );
  assert.equal(withSubscripts('x̂_0, τ_S'), 'x̂<sub>0</sub>, τ<sub>S</sub>');
  assert.equal(withSubscripts('alpha_bar[t − 1] & predict_noise'), 'alpha_bar[t − 1] &amp; predict_noise');
});
