// The first screen: the claim, the slider of η, and two final pictures from the same x_T, that of this run and that of the other η.
import { say, sayHtml } from '../../web/localize.js';
import { math } from '../../web/math.js';
import { digits } from '../../web/numbers.js';
import { page, publish } from '../../web/page_state.js';
import { write } from '../../web/plot.js';
import { drawPanel, fitCanvas } from './canvas_size.js';
import { PANELS } from './run.js';

/** @typedef {import('./run_pictures.js').PicturedRun} PicturedRun */

export class Lead {
  /** @type {PicturedRun | null} */
  #run = null;
  /** The setting of the other run: η = 1, or 0. */
  #otherEta = 1;

  /** @param {import('../../web/dom.js').Part & { stage: HTMLElement }} host */
  constructor(host) {
    this.host = host;
    /** The parts of a picture: `this.part('yours', 'canvas')`. @type {(name: string, selector: string) => any} */
    this.part = (name, selector) => host.$(`[data-final="${name}"] ${selector}`);
    this.slider = host.$('.eta');
    this.slider.addEventListener('input', () => {
      host.$('.blend').dataset.used = '';
      publish('set', { eta: Number(this.slider.value), variance: 'eta' });
    });
    this.part('other', 'button').addEventListener('click', () => {
      publish('set', { eta: this.#otherEta, variance: 'eta' });
    });
  }

  /** Write what the settings of the page say; their run may be still to come. */
  showSettings() {
    const { eta, variance, steps } = page.settings,
      large = variance === 'large',
      isFixed = !large && eta === 0;
    if (!Number.isFinite(eta)) return;
    if (document.activeElement !== this.slider) this.slider.value = String(eta);
    this.slider.style.setProperty('--at', `${100 * Math.min(1, Math.max(0, eta))}%`);
    this.slider.setAttribute('aria-valuetext', digits(eta, 3));
    this.host.$('.blend .caption').innerHTML = large ? math('\\hat\\sigma') : `${math('\\eta')} = ${digits(eta, 3)}`;
    this.host.$('.lead h2').innerHTML = sayHtml(isFixed ? 'finals.always' : 'finals.another', { steps });
    this.host.$('.lead p').innerHTML = sayHtml('finals.lead', {
      T: this.#run?.T ?? 1000,
    });
  }

  /** Draw the pictures. @param {PicturedRun} run on the screen */
  draw(run) {
    if (run.T !== this.#run?.T) {
      this.#run = run;
      this.showSettings();
    }
    this.#run = run;
    this.#drawYours(run);
    this.#drawOther(run);
  }

  /** The newest predicted x_0, and x_0 once the run has ended. @param {PicturedRun} run */
  #drawYours(run) {
    const i = run.shown.at(-1),
      frame = i === undefined ? null : run.frame(i);
    const isFinal = run.state === 'ended' && i === run.plan.length - 1,
      canvas = this.part('yours', 'canvas');
    this.#write('yours', '.who', sayHtml('finals.yours', { setting: { html: settingOf(run.settings) } }));
    if (!frame) return; // it is being decoded, and drawn then
    fitCanvas(canvas, run, this.#room('yours'));
    drawPanel(canvas, frame, PANELS.indexOf(isFinal ? 'x_prev' : 'x0'), run);
    canvas.classList.remove('blank');
    const at = { at: run.plan[i ?? 0].t };
    this.#write('yours', '.what', sayHtml(isFinal ? 'finals.final' : 'finals.so_far', at));
    canvas.ariaLabel = say(isFinal ? 'finals.alt_final' : 'finals.alt_so_far', at);
  }

  /** The picture of the other η, as far as it is known. @param {PicturedRun} run */
  #drawOther(run) {
    const { other } = run,
      canvas = this.part('other', 'canvas');
    this.host.$('[data-final="other"]').hidden = !other;
    if (!other) return;
    const { eta } = other,
      setting = { html: equationOf(eta) };
    this.#otherEta = eta;
    this.host.$('[data-final="other"]').toggleAttribute('data-deterministic', eta === 0);
    this.#write('other', '.who', sayHtml('finals.other', { setting }));
    this.part('other', 'button').ariaLabel = say('finals.take', { value: eta });
    canvas.classList.toggle('stale', !run.otherImage);
    if (run.otherImage) {
      fitCanvas(canvas, run, this.#room('other'));
      drawPanel(canvas, { image: run.otherImage, x: 0, y: 0 }, 0, run);
      canvas.classList.remove('blank');
    }
    const values = { at: other.t, steps: other.steps, n: other.evaluations };
    this.#write('other', '.what', sayHtml(`finals.${labelOf(other)}`, values));
  }

  /** @param {string} name */
  #room(name) {
    return this.part(name, '.frame').clientWidth;
  }

  /** @param {string} name @param {string} selector @param {string} html */
  #write(name, selector, html) {
    write(this.part(name, selector), html);
  }
}

/** "η = 0.5" on one line. @param {number} eta */
const equationOf = (eta) => `<span class="kept">${math('\\eta')} = ${digits(eta, 3)}</span>`;

/** @param {Record<string, any>} settings */
const settingOf = ({ variance, eta }) => (variance === 'large' ? math('\\hat\\sigma') : equationOf(eta));

/** Which text says how far the other picture is. @param {import('./run.js').Other} other */
function labelOf({ state, evaluations, t, isCoarse }) {
  if (state === 'ended') return evaluations ? 'other_final' : 'other_cached';
  if (isCoarse) return 'other_coarse';
  if (t !== null) return state === 'stopped' ? 'other_stopped' : 'so_far';
  return state === 'stopped' ? 'other_none' : 'other_waiting';
}
