// The Interpolate tab: strips of pictures along a path through latents, the pad between four latents, and the norm of x_T.
import { Film } from '../../web/film.js';
import { say, sayHtml, sentences } from '../../web/localize.js';
import { formula, math } from '../../web/math.js';
import { digits, fixed, indexOfNearest } from '../../web/numbers.js';
import { setView } from '../../web/page_state.js';
import { chart, drawCursor, write } from '../../web/plot.js';
import { Stage } from '../../web/stage.js';
import { Pad } from './pad.js';
import { readingsOf } from './readings.js';
import { firstPlace, heightAt, insidePad, latentField, normLine, placeAfterKey, placeOf } from './way.js';

/** @typedef {import('./way.js').Place} Place */
/** @typedef {import('../../web/chart.js').Point} Point */

const INITIAL_POSITION = 0.33; // initial position of the scrubber on the path
const NUMBERS = /** @type {const} */ ([
  ['path_length', 1],
  ['jump', 2],
  ['smoothness', 2],
  ['largest', 2],
  ['span', 2],
  ['contrast_middle', 3],
  ['contrast_ends', 3],
]);

/** @param {number} eta */
const settingOf = (eta) => math(`\\eta = ${eta}`);

class Interpolate extends Stage {
  static formulas = [
    '\\operatorname{slerp}(a, b, w) = ' +
      '\\frac{\\sin((1-w)\\omega)}{\\sin\\omega}\\,a + \\frac{\\sin(w\\omega)}{\\sin\\omega}\\,b',
    '\\cos\\omega = \\frac{a \\cdot b}{\\|a\\|\\,\\|b\\|}',
  ];

  /** @type {Film} */
  film;
  /** @type {Pad} */
  pad;
  /** Of each frame: a whole number at each latent of the way, between two of them a fraction. @type {number[]} */
  positions = [];
  /** The latents of the way. @type {(string | number)[]} */
  through = [];
  /** The rows by name, each with what its frames are made of. @type {Record<string, any>} */
  strips = {};
  /** What was measured of the rows that are complete. @type {Record<string, any>} */
  facts = {};
  /** What unrelated pictures would give, for some of the measurements. @type {Record<string, number>} */
  unrelated = {};
  /** Of slerp and lerp, the norm of x_T by position. @type {Record<string, Point[]>} */
  norms = {};
  /** The latents of the pad, by the name of the picture. @type {Map<string, string>} */
  padLatents = new Map();
  /** Where the pad is looked at. @type {Place | null} */
  place = null;
  /** The position of the scrubber, as a fraction of the path. */
  share = INITIAL_POSITION;

  prepare() {
    this.film = new Film(this, {
      onMove: (k) => this.moved(k),
      keys: [
        {
          keys: ['ArrowLeft', 'ArrowRight', 'ArrowUp', 'ArrowDown'],
          says: 'keys.pad',
          act: (key) => this.stepOnPad(key),
          on: '.pad',
        },
        { keys: ['Home', 'End'], says: 'keys.corners', act: (key) => this.stepOnPad(key), on: '.pad' },
      ],
    });
    this.pad = new Pad(this, (place) => this.goToPlace(place));
  }

  look(query) {
    this.share = query.has('frame') ? Number(query.get('frame')) : INITIAL_POSITION;
    this.place = placeOf(query.get('pad')) ?? this.place;
  }

  receive() {
    const { value } = this;
    const { side } = value.settings;
    this.positions = JSON.parse(value.positions);
    this.through = JSON.parse(value.through);
    this.strips = JSON.parse(value.strips);
    this.facts = JSON.parse(value.facts);
    this.unrelated = JSON.parse(value.unrelated);
    this.norms = JSON.parse(value.norms);
    const latents = JSON.parse(value.pad);
    this.padLatents = new Map(JSON.parse(value.pad_names).map((name, i) => [name, latents[i]]));
    this.place = this.place ? insidePad(this.place, side) : firstPlace(side);
    this.film.at = indexOfNearest(this.positions, this.share * this.legs);
  }

  readings() {
    return readingsOf(this.facts, this.norms, this.unrelated);
  }

  /** The number of legs of the path. */
  get legs() {
    return this.positions.at(-1) ?? 1;
  }

  get isLoop() {
    return this.value.settings.way === 'loop';
  }

  /** w at frame k: a fraction of the path, or in a loop the number of legs. @param {number} k */
  placeOfFrame(k) {
    return this.isLoop ? this.positions[k] : this.positions[k] / this.legs;
  }

  // ---- navigation ----

  /** @param {number} k */
  moved(k) {
    this.share = this.positions[k] / this.legs;
    setView({ frame: Number(this.share.toFixed(4)) });
  }

  /** @param {string} key */
  stepOnPad(key) {
    if (this.value && this.place) this.goToPlace(placeAfterKey(key, this.place, this.value.settings.side));
  }

  /** @param {Place} wanted */
  goToPlace(wanted) {
    const place = insidePad(wanted, this.value.settings.side);
    if (String(place) === String(this.place)) return;
    this.place = place;
    setView({ pad: place.join(',') });
    this.repaint();
  }

  // ---- drawing ----

  draw() {
    this.#drawLead();
    write(this.$('.what'), sayHtml('interpolate.at_w', { place: fixed(this.placeOfFrame(this.film.at), 2) }));
    this.film.draw(
      Object.keys(this.strips).map((name) => this.#lane(name)),
      this.positions.map((_, k) => this.#columnOf(k)),
      (lane, k) => `${lane.name}/${k}`,
      (k) => `w = ${fixed(this.placeOfFrame(k), 2)}`,
    );
    if (this.place) this.pad.draw(this.padLatents.keys(), this.place);
    this.#drawNorm();
    this.#drawNumbers();
  }

  #drawLead() {
    const names = this.through.map((latent) =>
      typeof latent === 'number' ? say('interpolate.seed', { latent }) : latent,
    );
    const [from, to] = names;
    const latents = this.through.slice(0, -1).join(', ');
    const lead = this.isLoop
      ? sayHtml('interpolate.lead_loop', { latents })
      : sayHtml('interpolate.lead', { from, to });
    write(this.$('.say'), lead);
  }

  /** The label of a frame: in a loop, the name of its latent. @param {number} k */
  #columnOf(k) {
    const position = this.positions[k];
    if (this.isLoop && Number.isInteger(position)) return String(this.through[position]);
    return fixed(this.placeOfFrame(k), 2);
  }

  /** @param {string} name of a row */
  #lane(name) {
    const fact = this.facts[name];
    const numbers = fact
      ? [
          [say('interpolate.path_length'), fixed(fact.path_length, 1)],
          [say('interpolate.jump'), fixed(fact.jump, 2)],
          [say('interpolate.calls'), this.strips[name].steps],
        ]
      : [];
    const extra = numbers.map(([term, number]) => `<div class="facts"><span>${term}</span><b>${number}</b></div>`);
    return { name, title: this.#titleOf(name), text: this.#textAbout(name), extra: extra.join('') };
  }

  /** @param {string} name of a row */
  #titleOf(name) {
    if (name === 'slerp') return `${say('interpolate.slerp')} ${settingOf(0)}`;
    if (name === 'lerp') return `${say('interpolate.lerp')} ${settingOf(0)}`;
    if (name === 'ddpm') return `<span class="noise-colour">${say('interpolate.ddpm')}</span> ${settingOf(1)}`;
    if (name === 'noises') {
      return `<span class="noise-colour">${sayHtml('interpolate.all_noises')}</span> ${settingOf(1)}`;
    }
    return sayHtml('interpolate.slerp_at', { setting: formula(`S = ${name.slice(1)}`) }); // "S10"
  }

  /** @param {string} name of a row */
  #textAbout(name) {
    if (name === 'slerp') return say('interpolate.on_shell');
    if (name === 'lerp') {
      const least = fixed(Math.min(...this.norms.lerp.map(([, norm]) => norm)), 2);
      const contrasts = this.#compared('interpolate.contrasts', 'contrast_middle', 3, ['lerp', 'slerp']);
      return sentences(sayHtml('interpolate.sinks', { least }), contrasts);
    }
    if (name === 'noises') return sayHtml('interpolate.all_noises_path');
    if (name !== 'ddpm') return say('interpolate.other_steps');
    if (this.value.settings.ddpm === 'own') return say('interpolate.drowns');
    return sentences(
      say('interpolate.hardly_moves'),
      this.#compared('interpolate.spans', 'span', 2, ['ddpm', 'slerp']),
    );
  }

  /**
   * A sentence that compares rows, once all are measured.
   * @param {string} key
   * @param {string} measure
   * @param {number} decimals
   * @param {string[]} names of the rows
   */
  #compared(key, measure, decimals, names) {
    if (!names.every((name) => this.facts[name])) return '';
    return sayHtml(key, Object.fromEntries(names.map((name) => [name, fixed(this.facts[name][measure], decimals)])));
  }

  /** Draw the chart of the norms, with a cursor at the scrubber. */
  #drawNorm() {
    const span = this.isLoop ? this.legs : 1;
    const [slerp, lerp] = ['slerp', 'lerp'].map((kind) => normLine(this.norms[kind], this.legs, this.isLoop));
    const middle = Math.round(20 / this.legs); // of the first leg
    const [slerpText, lerpText] = [say('interpolate.slerp_short'), say('interpolate.lerp_short')];
    const drawn = chart({
      width: Math.max(260, this.$('.plot').clientWidth),
      height: 150,
      xRange: [0, span],
      yRange: [0.6, 1.1],
      yTicks: [0.6, 0.8, 1],
      xTicks: [
        [0, 'w = 0', 'start'],
        [span / 2, digits(span / 2), 'middle'],
        [span, digits(span), 'end'],
      ],
      lines: [
        { points: lerp, colour: 'var(--ref)', label: { at: lerp[middle], dy: -8, text: lerpText } },
        { points: slerp, colour: 'var(--ink)', label: { at: slerp[middle], dy: -9, text: slerpText } },
      ],
    });
    write(this.$('.norm h3'), sayHtml('interpolate.norm'));
    write(this.$('.plot'), drawn.svg);
    const w = this.placeOfFrame(this.film.at);
    drawCursor(this.$('.plot'), drawn, w, [
      [w, heightAt(slerp, w), 'var(--ink)'],
      [w, heightAt(lerp, w), 'var(--ink2)'],
    ]);
  }

  /** Draw the table of measurements. */
  #drawNumbers() {
    const heads = {
      slerp: say('interpolate.slerp_short'),
      lerp: say('interpolate.lerp_short'),
      ddpm: '<span class="noise-colour">DDPM</span>',
      noises: `<span class="noise-colour">${say('interpolate.all_noises_short')}</span>`,
    };
    const names = Object.keys(heads).filter((name) => this.facts[name]);
    const tops = [...names.map((name) => heads[name]), say('interpolate.unrelated')];
    const head = `<dt></dt>${tops.map((top) => `<dd class="top">${top}</dd>`).join('')}`;
    const rows = NUMBERS.map(([key, decimals]) => {
      const cells = names.map((name) => `<dd>${fixed(this.facts[name][key], decimals)}</dd>`);
      const none = key in this.unrelated ? fixed(this.unrelated[key], decimals) : '';
      return `<dt>${say(`interpolate.number.${key}`)}</dt>${cells.join('')}<dd class="null">${none}</dd>`;
    });
    const list = this.$('.norm dl');
    list.style.gridTemplateColumns = `minmax(0, 1fr) repeat(${names.length + 1}, auto)`;
    write(list, names.length ? head + rows.join('') : '');
  }

  // ---- settings of the tab ----

  openInSteps(button) {
    const name = button.dataset.open ?? '';
    if (name === 'pad') {
      const latent = this.padLatents.get(`pad/${this.place?.join('/')}`) ?? '';
      return { seed: latentField(latent), eta: 0, variance: 'eta' };
    }
    const { latents, noise_seeds, steps, eta } = this.strips[name];
    const { at } = this.film;
    if (typeof noise_seeds[at] !== 'number') return null; // Steps has one noise seed
    return { seed: latents[at], noise_seed: noise_seeds[at], steps, eta };
  }

  showOptions(settings) {
    for (const option of this.$$('[data-way]')) option.hidden = option.dataset.way !== settings.way;
  }
}

customElements.define('explorer-interpolate', Interpolate);
