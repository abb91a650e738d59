// The papers' symbols as TeX. No DOM. \ab{t} is ᾱ_t in the notation of the DDPM paper and α_t in that of the DDIM paper.

export const X_T = 'x_t';
export const X_PREV = 'x_{t-1}';
export const X0_HAT = '\\hat x_0';
export const EPS = '\\varepsilon_\\theta^{(t)}';
export const SIGMA = '\\sigma_t';
export const SIGMA_HAT = '\\hat\\sigma_t';
export const ALPHA = '\\ab{t}';
export const ALPHA_PREV = '\\ab{t-1}';

/** Linked quantities, which are highlighted together, see tabs/steps/linked.js. @param {string} names @param {string} tex */
export const linked = (names, tex) => `\\htmlData{link=${names}}{${tex}}`;

/** A symbol in the colour of a term: x0, direction or noise. @param {string} name @param {string} tex */
export const coloured = (name, tex) => `\\htmlClass{${name}-colour}{${tex}}`;

/**
 * The symbols for placeholders {name} in texts: TeX, and the plain-text form if it differs from what plain_math.js makes of the
 * TeX. A value with the same name takes precedence.
 * @type {Record<string, [tex: string, plain?: string]>}
 */
export const SYMBOLS = {
  x_T: ['x_T'],
  x_t: [X_T],
  x_prev: [X_PREV],
  x_0: ['x_0'],
  x_s: ['x_s'],
  s: ['s'],
  x0: [X0_HAT],
  eta: ['\\eta'],
  S: ['S'],
  T: ['T'],
  t: ['t'],
  t_prev: ['t_{\\mathrm{prev}}', 't_prev'],
  tau: ['\\tau'],
  lambda: ['\\lambda'],
  N: ['N'],
  z: ['z'],
  eps: ['\\varepsilon'],
  beta: ['\\beta_t', 'β'],
  sigma: ['\\sigma'],
  sigma_hat: ['\\hat\\sigma'],
  sigma_of_eta: ['\\sigma(\\eta)'],
  m: ['m'],
  k: ['k'],
  alpha_bar: [ALPHA],
  alpha_bar_prev: [ALPHA_PREV],
  alpha_bar_s: ['\\ab{s}'],
  alpha_bar_T: ['\\ab{T}'],
  alpha_bar_0: ['\\ab{0}'],
  sqrt_alpha_bar: [`\\sqrt{${ALPHA}}`],
  sqrt_dim: ['\\sqrt{D}'],
  n: ['n'],
  w: ['w'],
  u: ['u'],
  v: ['v'],
  sigma_t: [SIGMA],
  sigma_t_squared: ['\\sigma_t^2'],
  sigma_1: ['\\sigma_1'],
  beta_tilde: ['\\tilde\\beta'],
  x_bar: ['\\bar x'],
  gamma_t: ['\\gamma_t'],
  k_t: ['k_t'],
  k_t_squared: ['k_t^2'],
  q_sigma: ['q_\\sigma'],
  p_t: ['p_t'],
  J_sigma: ['J_\\sigma'],
  L_gamma: ['L_\\gamma'],
  L_simple: ['L_\\mathrm{simple}'],
  eps_theta: [EPS, 'ε_θ'],
  sqrt_S: ['\\sqrt{S}'],
  x_T_of_w: ['x_T(w)'],
  x_scaled: ['x/\\sqrt{\\ab{}}'],
  noise_scaled: ['\\sqrt{(1-\\ab{})/\\ab{}}'],
  score: [`-\\varepsilon/\\sqrt{1-${ALPHA}}`],
  ddpm_symbol: ['\\bar\\alpha_t'],
  ddim_symbol: ['\\alpha_t'],
};
