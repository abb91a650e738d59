// "Pin as A": the final picture of a run stays, and the next run's, B, stands beside it with their difference.
import { FIELDS } from '../../web/address.js';
import { escapeHtml } from '../../web/fill_text.js';
import { currentLanguage, keepTranslated, say } from '../../web/localize.js';
import { math } from '../../web/math.js';
import { digits, fixed } from '../../web/numbers.js';
import { rgb } from '../../web/svg_export.js';
import { differenceOf } from './difference.js';
import { PANELS } from './run.js';

/** @typedef {import('./run_pictures.js').PicturedRun} PicturedRun */
/** @typedef {{ id: number, settings: Record<string, any>, image: ImageData }} Pinned the pixels as the screen has them */

const MOST = 0.5; // |A - B| at the end of the scale, of a range of 2
const FIELD_NAMES = {
  checkpoint: 'controls.checkpoint',
  seed: 'controls.seed',
  eta: 'symbol.eta',
  steps: 'symbol.S',
  spacing: 'controls.spacing',
  variance: 'controls.variance',
  noise_seed: 'controls.noise_seed',
  clip: 'controls.clip',
};

/** What a picture was made with, as HTML. @param {Pinned} pinned */
function settingsAsHtml({ settings: s }) {
  const variance = s.variance === 'large' ? math('\\hat\\sigma') : `${math('\\eta')} ${digits(s.eta, 3)}`;
  const spacing = escapeHtml(say(`choice.${s.spacing}`)),
    seed = `${escapeHtml(say('controls.seed_short'))} ${escapeHtml(s.seed)}`;
  return `${math('S')} ${s.steps} · ${variance} · ${spacing} · ${seed}`;
}

/** The final picture of a run; null while it goes on, for a preview is not exact. @param {PicturedRun | null} run @returns {Pinned | null} */
function finalPicture(run) {
  const frame = run?.state === 'ended' && run.sheet && run.frame(run.plan.length - 1);
  if (!run || !frame) return null;
  const { width, height } = run;
  const context = /** @type {CanvasRenderingContext2D} */ (
    Object.assign(document.createElement('canvas'), {
      width,
      height,
    }).getContext('2d')
  );
  const x = frame.x + PANELS.indexOf('x_prev') * width;
  context.drawImage(frame.image, x, frame.y, width, height, 0, 0, width, height);
  return {
    id: run.id,
    settings: run.settings,
    image: context.getImageData(0, 0, width, height),
  };
}

export class Pin {
  /** @type {Pinned | null} */
  #a = null;
  /** @type {Pinned | null} */
  #b = null;
  #drawn = '';
  /** @type {PicturedRun | null} */
  #run = null;
  #isWaiting = false;

  /** @param {import('../../web/dom.js').Part & { stage: HTMLElement }} host */
  constructor(host) {
    this.host = host;
    this.button = host.$('.pin');
    host.$('.status .actions').prepend(this.button);
    this.button.addEventListener('click', () => this.toggle());
    keepTranslated(host.$('.pinned'), () => this.draw(this.#run, this.#isWaiting));
  }

  toggle() {
    this.#a = this.#a ? null : finalPicture(this.#run);
    this.#b = null;
    this.draw(this.#run, this.#isWaiting);
  }

  /** @param {PicturedRun | null} run on the screen @param {boolean} isWaiting whether a newer one is on its way */
  draw(run, isWaiting) {
    [this.#run, this.#isWaiting] = [run, isWaiting];
    const look = [currentLanguage(), document.body.className];
    const state = [this.#a?.id, run?.id, run?.state, isWaiting, run?.sheet ? 1 : 0, ...look].join();
    if (state === this.#drawn) return; // another step of the same run
    this.#drawn = state;
    const { $ } = this.host,
      a = this.#a,
      ended = run?.state === 'ended';
    this.button.textContent = say(a ? 'pin.unpin' : 'pin.pin');
    this.button.setAttribute('aria-pressed', String(Boolean(a)));
    this.button.disabled = !a && !ended;
    $('.pinned', this.host.stage).hidden = !a;
    if (!a) return;
    if (ended && this.#b?.id !== run.id) this.#b = finalPicture(run);
    this.#put('a', a.image);
    this.#part('a', 'p').innerHTML = settingsAsHtml(a);
    if (ended && !isWaiting && this.#b) this.#compare(a, this.#b);
    else $('.changed', this.host.stage).textContent = say('pin.waiting'); // the B before stays until then
  }

  /** @param {Pinned} a @param {Pinned} b */
  #compare(a, b) {
    const { $ } = this.host,
      { stage } = this.host,
      css = getComputedStyle(stage);
    const alike = a.image.width === b.image.width && a.image.height === b.image.height;
    const changed = FIELDS.filter((name) => a.settings[name] !== b.settings[name]);
    const [zero, full] = ['--zero', '--noise'].map((name) => channelsOf(rgb(css.getPropertyValue(name))));
    const difference = alike ? differenceOf(a.image.data, b.image.data, { zero, full, most: MOST }) : null;
    this.#put('b', b.image);
    this.#part('b', 'p').innerHTML = settingsAsHtml(b);
    this.#put('difference', difference && new ImageData(difference.data, a.image.width, a.image.height));
    $('.most', stage).textContent = `≥ ${MOST}`;
    const names = changed.map((name) => say(FIELD_NAMES[name])).join(', ');
    $('.changed', stage).textContent = changed.length ? say('pin.changed', { names }) : say('pin.same');
    if (!difference) $('.mean', stage).textContent = say('pin.size');
    else {
      const values = {
        mean: fixed(difference.mean, 4),
        rms: fixed(difference.rms, 4),
      };
      $('.mean', stage).textContent = `${say('pin.mean', values)}, ${say('pin.range')}`;
    }
  }

  #part(name, selector) {
    return this.host.$(`[data-pin="${name}"] ${selector}`);
  }

  /** @param {string} name @param {ImageData | null} image */
  #put(name, image) {
    const canvas = this.#part(name, 'canvas');
    [canvas.width, canvas.height] = [image?.width ?? 1, image?.height ?? 1];
    if (image) canvas.getContext('2d').putImageData(image, 0, 0);
    canvas.classList.toggle('blank', !image);
  }
}

/** The three numbers of #rrggbb. @param {string} colour */
const channelsOf = (colour) => (colour.match(/\w\w/g) ?? []).map((v) => parseInt(v, 16));
