// Eq. 12 over the five panels, and its form in m and k, as TeX. No DOM.
import { ALPHA, ALPHA_PREV, EPS, linked, SIGMA, SIGMA_HAT, X0_HAT, X_PREV, X_T } from '../../web/symbols.js';

export const SIGMA_1_SQUARED = `${SIGMA}(1)^2`;
export const SIGMA_SQUARED = '\\sigma_t^2';

/**
 * The formula of each panel.
 * @param {string} form "terms" or "mk"
 * @param {boolean} large whether the variance is DDPM's larger one
 * @param {boolean} [short] write x̂_0 for the predicted x_0
 * @returns {Record<string, string>}
 */
export function panelFormulas(form, large, short = false) {
  const noise = `${linked('sigma', large ? SIGMA_HAT : SIGMA)}\\,z`;
  if (form === 'mk') {
    return {
      x_t: `${linked('m', 'm')}\\,${X_T}`,
      x0: `${linked('k', 'k')}\\,${X0_HAT}`,
      direction: '',
      noise,
      x_prev: X_PREV,
    };
  }
  const before = linked('alpha_bar_prev', ALPHA_PREV),
    now = linked('alpha_bar', ALPHA),
    eps = linked('eps', EPS);
  const sigma = linked('sigma', large ? SIGMA_1_SQUARED : SIGMA_SQUARED);
  const predicted = `\\Bigl(\\dfrac{${linked('x_t', X_T)} - \\sqrt{1{-}${now}}\\,${eps}}{\\sqrt{${now}}}\\Bigr)`;
  return {
    x_t: X_T,
    x0: `\\sqrt{${before}}\\,${short ? X0_HAT : predicted}`,
    direction: `\\sqrt{1{-}${before}{-}${sigma}}\\;${eps}`,
    noise,
    x_prev: X_PREV,
  };
}
