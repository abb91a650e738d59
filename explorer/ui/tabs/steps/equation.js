// Eq. 12 as the head of a row of five pictures: formulas, coefficients, pictures and their captions.
import { say, sayHtml } from '../../web/localize.js';
import { formula, math } from '../../web/math.js';
import { fixed } from '../../web/numbers.js';
import { SIGMA, X0_HAT, X_PREV, X_T } from '../../web/symbols.js';
import { drawPanel, fitCanvas } from './canvas_size.js';
import { panelFormulas } from './formulas.js';
import { numberOf, PANELS } from './run.js';

/** @typedef {import('./run_pictures.js').PicturedRun} PicturedRun */

const SCALE = '<span class="scale"><span>−1.5</span><s></s><span>+1.5</span></span>';
const OPERATORS = {
  terms: { x0: '→', direction: '+', noise: '+', x_prev: '=' },
  mk: { x0: '+', direction: '', noise: '+', x_prev: '=' },
};
/** What the coefficient over a panel stands for, see linked.js. */
const COEFFICIENT_LINKS = {
  terms: {
    x_t: 'x_t',
    x0: 'x0 alpha_bar_prev',
    direction: 'direction',
    noise: 'noise sigma',
  },
  mk: {
    x_t: 'x_t m',
    x0: 'x0 k',
    direction: 'direction',
    noise: 'noise sigma',
  },
};
/** CSS pixels that the whole formula of the predicted x_0 needs at a readable size. */
const ROOMY = 150;
const ALOUD_IN_MK = { x_t: 'm_x_t', x0: 'k_x0', direction: 'in_mk' };

export class Equation {
  /** Whether formulas are written in short. */
  #isShort = false;

  /** @param {import('../../web/dom.js').Part & { stage: HTMLElement }} host */
  constructor(host) {
    this.host = host;
    /** The parts of a panel: `this.part('x0', 'canvas')`. @type {(name: string, selector: string) => any} */
    this.part = (name, selector) => host.$(`[data-panel="${name}"] ${selector}`);
  }

  /** @returns {'terms' | 'mk'} */
  get form() {
    return /** @type {any} */ (this.host.stage.dataset.form);
  }

  /** Write what the settings fix. @param {PicturedRun | null} run */
  writeFormulas(run) {
    const { form, host } = this,
      large = run?.settings.variance === 'large',
      formulas = panelFormulas(form, large, this.#isShort);
    host.$('.equation').toggleAttribute('data-large', large);
    for (const name of PANELS) {
      this.part(name, '.formula').innerHTML = formulas[name] ? math(formulas[name]) : '';
      const aloud = (form === 'mk' && ALOUD_IN_MK[name]) || name;
      this.part(name, '.formula').ariaLabel = say(`formula.${aloud}`);
    }
    for (const [name, link] of Object.entries(COEFFICIENT_LINKS[form]))
      this.part(name, '.coefficient').dataset.link = link;
    this.part('x0', '.name').innerHTML = sayHtml('player.x0');
    this.part('direction', '.name').innerHTML = sayHtml(form === 'mk' ? 'player.in_mk' : 'player.direction');
    this.part('noise', '.name').textContent = say('player.noise');
    for (const [name, sign] of Object.entries(OPERATORS[form])) {
      for (const span of host.$(`[data-before="${name}"]`).children) span.textContent = sign;
    }
    host.$('.mk').innerHTML = math('m,\\, k');
  }

  /** Fit the canvases and the texts over them to the room that there is. @param {PicturedRun} run */
  size(run) {
    const room = this.part('x0', '.formula').clientWidth,
      isNarrow = room < ROOMY;
    if (!room) return; // the tab is hidden
    this.host.$('.equation').toggleAttribute('data-narrow', isNarrow);
    if (isNarrow !== this.#isShort) {
      this.#isShort = isNarrow;
      this.writeFormulas(run);
    }
    const side = this.part('x0', '.picture').clientWidth;
    this.host.stage.style.setProperty('--screen-pic', String(side)); // for tab_print.css
    for (const name of PANELS) fitCanvas(this.part(name, 'canvas'), run, side);
  }

  /**
   * Draw a step's pictures.
   * @param {PicturedRun} run
   * @param {number} index
   * @returns {boolean} false while they are not decoded
   */
  draw(run, index) {
    const frame = run.frame(index);
    if (!frame) return false;
    const p = run.plan[index],
      empty = p.sigma === 0;
    PANELS.forEach((name, k) => drawPanel(this.part(name, 'canvas'), frame, k, run));
    this.host.stage.dataset.step = String(index);
    this.part('noise', '.picture').toggleAttribute('data-none', empty);
    const why = sayHtml(p.t_prev === 0 ? 'player.none_last' : 'player.none_eta');
    this.part('noise', '.none').innerHTML = `${math(`${SIGMA} = 0`)}<span>${why}</span>`;
    for (const name of PANELS) {
      const seen = name === 'noise' && empty ? 'no_noise' : name;
      this.part(name, 'canvas').ariaLabel = say(`player.alt_${seen}`, {
        value: name === 'x_prev' ? p.t_prev : p.t,
      });
    }
    return true;
  }

  /** Write a step's coefficients and captions. @param {PicturedRun} run @param {number} index */
  writeTexts(run, index) {
    const p = run.plan[index],
      row = run.rows[index],
      mk = this.form === 'mk';
    const coefficients = {
      x_t: mk ? p.m : null,
      x0: mk ? p.k : p.x0,
      direction: mk ? null : p.direction,
      noise: p.sigma,
    };
    for (const [name, value] of Object.entries(coefficients)) {
      this.part(name, '.coefficient').textContent = value === null ? '' : `${fixed(value, 4)} ×`;
    }
    this.part('x_t', '.name').innerHTML = sayHtml('player.x_t', { value: p.t });
    this.part('x_prev', '.name').innerHTML = sayHtml('player.x_prev', {
      value: p.t_prev,
    });
    const caption = (name, symbol, rms, signed = false) => {
      const key = signed && run.channels === 3 ? 'player.rms_mean' : 'player.rms';
      const size = sayHtml(key, {
        symbol: formula(symbol),
        rms: fixed(rms, 2),
      });
      this.part(name, 'figcaption').innerHTML = `${size}<br>${signed ? SCALE : sayHtml('player.shown')}`;
    };
    caption('x_t', X_T, numberOf(row, 'x_t'));
    caption('x0', X0_HAT, numberOf(row, 'x0'));
    caption('direction', '\\varepsilon_\\theta', numberOf(row, 'eps'), true);
    if (p.sigma === 0) this.part('noise', 'figcaption').innerHTML = sayHtml('player.not_drawn');
    else caption('noise', 'z', numberOf(row, 'z'), true);
    caption('x_prev', X_PREV, numberOf(row, 'x_prev'));
  }
}
