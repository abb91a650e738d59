// What the handout holds: formulas in both notations, terms in three languages, tabs and slips. No DOM.

/** A formula as TeX, by how ᾱ at a time step is written. @typedef {(alpha: (t: string) => string) => string} Formula */

/** How the two papers write the product of all 1 - β. @type {Record<'ddpm' | 'ddim', (t: string) => string>} */
export const NOTATIONS = { ddpm: (t) => `\\bar\\alpha_{${t}}`, ddim: (t) => `\\alpha_{${t}}` };

/** The formulas: key of the name, formula, and where it stands. @type {[name: string, formula: Formula, source: string][]} */
export const FORMULAS = [
  ['forward', (a) => `x_t = \\sqrt{${a('t')}}\\,x_0 + \\sqrt{1-${a('t')}}\\,\\varepsilon`, 'Eq. 4'],
  [
    'predicted',
    (a) => `\\hat x_0 = \\bigl(x_t - \\sqrt{1-${a('t')}}\\,\\varepsilon_\\theta\\bigr) / \\sqrt{${a('t')}}`,
    'Eq. 9',
  ],
  [
    'step',
    (a) =>
      `x_{t-1} = \\sqrt{${a('t-1')}}\\,\\hat x_0 + \\sqrt{1-${a('t-1')}-\\sigma_t^2}\\,\\varepsilon_\\theta + \\sigma_t z`,
    'Eq. 12',
  ],
  [
    'sigma',
    (a) => `\\sigma_t = \\eta\\,\\sqrt{(1-${a('t-1')})/(1-${a('t')})}\\,\\sqrt{1-${a('t')}/${a('t-1')}}`,
    'Eq. 16',
  ],
  ['sigma_hat', (a) => `\\hat\\sigma_t = \\sqrt{1-${a('t')}/${a('t-1')}}`, 'App. D.3'],
  [
    'mk',
    (a) =>
      `x_{t-1} = m\\,x_t + k\\,\\hat x_0 + \\sigma_t z, \\;\\; m = \\sqrt{\\tfrac{1-${a('t-1')}-\\sigma_t^2}{1-${a('t')}}}, \\;\\; k = \\sqrt{${a('t-1')}} - m\\sqrt{${a('t')}}`,
    'Eq. 7',
  ],
  [
    'ode',
    (a) =>
      `d\\bar x = \\varepsilon_\\theta\\,ds, \\quad \\bar x = x/\\sqrt{${a('')}}, \\;\\; s = \\sqrt{(1-${a('')})/${a('')}}`,
    'Eq. 14',
  ],
  ['score', (a) => `\\nabla\\log p_t(x_t) \\approx -\\varepsilon_\\theta / \\sqrt{1-${a('t')}}`, 'Y. Song et al. 2020'],
  [
    'loss',
    (a) =>
      `L = \\mathrm{E}\\,\\bigl\\|\\varepsilon - \\varepsilon_\\theta\\bigl(\\sqrt{${a('t')}}\\,x_0 + \\sqrt{1-${a('t')}}\\,\\varepsilon,\\; t\\bigr)\\bigr\\|^2`,
    'Eq. 5',
  ],
];

/** Formulas without ᾱ. @type {[name: string, tex: string, source: string][]} */
export const SAME_IN_BOTH = [
  ['tau', '\\tau_i = \\lfloor T i / S \\rfloor, \\quad i = 1, \\ldots, S', 'App. D.2'],
  [
    'slerp',
    '\\frac{\\sin((1-w)\\theta)\\,a + \\sin(w\\theta)\\,b}{\\sin\\theta}, \\quad \\cos\\theta = \\frac{a \\cdot b}{\\|a\\|\\,\\|b\\|}',
    'App. D.5',
  ],
];

/** Terms in English, Chinese and Korean. @type {[en: string, zh: string, ko: string][]} */
export const TERMS = [
  ['latent x_T', '潜变量', 'latent x_T'],
  ['number of steps S', '步数', 'sampling 스텝 수'],
  ['predicted x_0', '预测的 x_0', '예측된 x_0'],
  ['direction pointing to x_t', '指向 x_t 的方向', 'x_t를 가리키는 방향'],
  ['random noise (term)', '随机项', '랜덤 노이즈'],
  ['marginal, joint distribution', '边缘分布、联合分布', 'marginal, 결합 분포'],
  ['posterior', '后验分布', '사후 분포'],
  ['non-Markov forward process', '非马尔可夫前向过程', 'non-Markovian forward process'],
  ['deterministic', '确定性', 'deterministic'],
  ['skip steps', '跳步', '건너뛰기'],
  ['consistency', '一致性', 'consistency'],
  ['spherical interpolation', '球面插值', '구면 보간'],
  ['score', '分数', '스코어'],
];

/** The tabs, and the key of the text that says what each shows. @type {Record<string, string>} */
export const TABS = {
  steps: 'player.title',
  compare: 'compare.aloud',
  consistency: 'consistency.title',
  interpolate: 'interpolate.title',
  encode: 'encode.title',
  forward: 'forward.title',
  paths: 'paths.title',
  quality: 'quality.title',
  solvers: 'solvers.title',
  exercises: 'exercises.title',
};

/** Common slips in code, by their names in explorer.exercises. */
export const SLIPS = [
  'sigma-for-direction',
  'eta-on-variance',
  't-prev-at-least-one',
  'alpha-bar-at-the-end',
  'label-is-index',
  'lerp',
];
