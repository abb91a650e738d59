// The tasks to write: formula, instruction and stub. No DOM.
import { ALPHA, ALPHA_PREV, EPS, X0_HAT, X_PREV, X_T } from '../../web/symbols.js';

const JUMP = `\\sqrt{1-${ALPHA_PREV}-\\sigma_t^2}`;

/** The formula of each task, as TeX. @type {Record<string, string>} */
export const FORMULAS = {
  diffuse: `${X_T} = \\sqrt{${ALPHA}}\\,x_0 + \\sqrt{1-${ALPHA}}\\,\\varepsilon`,
  predicted_x0: `${X0_HAT} = \\frac{${X_T} - \\sqrt{1-${ALPHA}}\\,${EPS}}{\\sqrt{${ALPHA}}}`,
  sigma: `\\sigma_t = \\eta\\,\\sqrt{\\frac{1-${ALPHA_PREV}}{1-${ALPHA}}}\\,\\sqrt{1-\\frac{${ALPHA}}{${ALPHA_PREV}}}`,
  timesteps: '\\tau_i = \\lfloor T i / S \\rfloor, \\quad i = 1, \\ldots, S',
  ddim_step: `${X_PREV} = \\sqrt{${ALPHA_PREV}}\\,${X0_HAT} + ${JUMP}\\,${EPS} + \\sigma_t z`,
  sample: `x_T \\to x_{\\tau_{S-1}} \\to \\cdots \\to x_{\\tau_1} \\to x_0, \\quad \\eta = 0`,
  slerp:
    '\\frac{\\sin((1-w)\\theta)\\,a + \\sin(w\\theta)\\,b}{\\sin\\theta}, \\quad \\cos\\theta = \\frac{a \\cdot b}{\\|a\\|\\,\\|b\\|}',
  encode_step: `x_s = \\sqrt{\\ab{s}}\\,${X0_HAT} + \\sqrt{1-\\ab{s}}\\,${EPS}, \\quad s > t`,
};

/**
 * What the learner copies.
 * @param {string} name of the task
 * @param {string} signature
 * @param {string} language of the report
 */
export function stubOf(name, signature, language) {
  const inLanguage = language === 'en' ? '' : `, language="${language}"`;
  return `import explorer as ex

def ${signature}:
    raise NotImplementedError  # your formula

ex.check("${name}", ${name}${inLanguage})
`;
}
