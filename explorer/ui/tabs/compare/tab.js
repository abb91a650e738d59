// The Compare tab: a film strip for each row, with columns at some steps of the run.
import { customText, customTitle } from '../../web/custom_step.js';
import { Film } from '../../web/film.js';
import { say, sayHtml } from '../../web/localize.js';
import { formula, math } from '../../web/math.js';
import { digits, fixed, indexOfNearest } from '../../web/numbers.js';
import { setView } from '../../web/page_state.js';
import { write } from '../../web/plot.js';
import { Stage } from '../../web/stage.js';
import { ALPHA, ALPHA_PREV, coloured, SIGMA, SIGMA_HAT, X0_HAT, X_T } from '../../web/symbols.js';
import { readingsOf } from './readings.js';

/** @param {number} eta */
const settingOf = (eta) => `\\eta = ${digits(eta, 3)}`;

class Compare extends Stage {
  static formulas = [
    `${coloured('noise', `${SIGMA}(\\eta)`)} = \\eta\\,\\sqrt{\\frac{1-${ALPHA_PREV}}{1-${ALPHA}}}\\,\\sqrt{1-\\frac{${ALPHA}}{${ALPHA_PREV}}}`,
    `${coloured('noise', SIGMA_HAT)} = \\sqrt{1-\\frac{${ALPHA}}{${ALPHA_PREV}}}`,
  ];

  /** @type {Film} */
  film;
  /** η of each row, or "large". @type {Record<string, number | 'large'>} */
  rows = {};
  /** The columns: index of the step or "end", and its t. @type {[string | number, number][]} */
  moments = [];
  /** @type {Record<string, any>} */
  facts = {};
  /** @type {import('./readings.js').LateJump | null} */
  lateJump = null;
  /** The ranges of pictures that would be blank on [−1, 1]. @type {Record<string, [low: number, high: number]>} */
  ranges = {};
  /** The user's own step; null without one. @type {import('../../web/custom_step.js').CustomStatus | null} */
  custom = null;
  show = 'x0';
  /** The position that the user has chosen: a t, a fraction of the run, or its end. @type {{ t?: number, share?: number }} */
  wish = {};

  prepare() {
    this.$('.of-x0').innerHTML = math(X0_HAT);
    this.$('.of-x_t').innerHTML = math(X_T);
    this.film = new Film(this, { onMove: (k) => this.moved(k) });
    for (const input of this.$$('[name="show"]')) {
      input.addEventListener('change', (event) => {
        event.stopPropagation(); // no new run is needed
        this.show = input.value;
        setView({ show: this.show === 'x_t' ? 'x_t' : null });
        this.repaint();
      });
    }
  }

  look(query) {
    this.show = query.get('show') === 'x_t' ? 'x_t' : 'x0';
    this.wish = query.has('moment') ? { t: Number(query.get('moment')) } : { share: 0.5 };
  }

  receive() {
    const { value } = this;
    this.rows = JSON.parse(value.rows);
    this.moments = [...JSON.parse(value.moments), ['end', 0]]; // the last column is the final picture
    this.facts = JSON.parse(value.facts);
    this.lateJump = JSON.parse(value.late_jump);
    this.ranges = JSON.parse(value.ranges);
    this.custom = JSON.parse(value.custom);
    // keep the position of the scrubber when S changes
    const t = this.wish.t ?? value.T * (1 - (this.wish.share ?? 0));
    const times = this.moments.map(([, time]) => time);
    this.film.at = indexOfNearest(times, t);
  }

  readings() {
    return readingsOf(this.value, this.facts, this.lateJump);
  }

  /** @param {number} k */
  moved(k) {
    this.wish = { t: this.moments[k][1] };
    setView({ moment: this.moments[k][1] });
  }

  draw() {
    const { wrong, steps } = this.value.settings,
      [, time] = this.moments[this.film.at];
    const picture = { html: this.show === 'x0' ? `<span class="x0-colour">${math(X0_HAT)}</span>` : math(X_T) };
    const title = { 4: 'compare.title_four', 5: 'compare.title_five', 6: 'compare.title_six' };
    write(this.$('h2'), say(title[Object.keys(this.rows).length]));
    write(this.$('.same'), sayHtml(wrong ? 'compare.same_wrong' : 'compare.same', { steps }));
    write(this.$('.what'), time === 0 ? sayHtml('compare.end') : sayHtml('stage.at_time', { picture, time }));
    const lanes = Object.keys(this.rows).map((name) => ({
      name,
      title: this.titleOf(name),
      text: this.textOf(name),
      extra: this.extraOf(name),
    }));
    const columns = this.moments.map(([, t]) => t);
    const cell = ({ name }, k) => {
      const picture = this.pictureOf(name, k);
      return picture in this.ranges ? `${picture}/own` : picture;
    };
    this.film.draw(lanes, columns, cell, (k) => `t = ${columns[k]}`);
  }

  /** The name of a picture. @param {string} row @param {number} k the column */
  pictureOf(row, k) {
    const [step] = this.moments[k];
    return step === 'end' ? `${row}/end` : `${row}/${step}/${this.show}`;
  }

  /** @param {string} name of a row */
  titleOf(name) {
    if (name === 'ddim') return `DDIM ${math(settingOf(0))}`;
    if (name === 'yours') return sayHtml('compare.yours', { setting: formula(settingOf(Number(this.rows.yours))) });
    if (name === 'ddpm') return `DDPM ${math(settingOf(1))}`;
    if (name === 'large') return sayHtml('compare.large_variance');
    if (name === 'mine' && this.custom) return customTitle(this.custom);
    return `${sayHtml('compare.wrong_labels')} ${math(settingOf(0))}`;
  }

  /** @param {string} name of a row */
  textOf(name) {
    const { eta, steps: S } = this.value.settings,
      posterior = this.facts[name]?.posterior;
    if (name === 'ddim') return sayHtml('compare.ddim');
    if (name === 'yours') return sayHtml({ 0: 'compare.as_ddim', 1: 'compare.as_ddpm' }[eta] ?? 'compare.between');
    if (name === 'ddpm' && posterior === undefined) return sayHtml('compare.ddpm');
    if (name === 'ddpm') return sayHtml('compare.posterior', { difference: digits(posterior, 2) });
    if (name === 'large') return sayHtml('compare.large');
    if (name === 'mine' && this.custom) return this.withRange(name, customText(this.custom, this.facts.mine?.eq12));
    const list = (numbers) => [...numbers, ...(S > 3 ? ['…'] : [])].join(', ');
    const wrong = list([S, S - 1, S - 2].filter((n) => n > 0));
    return this.withRange(name, sayHtml('compare.wrong', { wrong, right: list(JSON.parse(this.value.tau)) }));
  }

  /** Add the range that the picture at the scrubber is shown on, if it has one of its own. @param {string} name @param {string} told */
  withRange(name, told) {
    const range = this.ranges[this.pictureOf(name, this.film.at)];
    if (!range) return told;
    const [low, high] = range.map((v) => digits(v, 2));
    return `${told}<br>${sayHtml('compare.shown_on', { low, high })}`;
  }

  /** The content beside a row's strip: other runs, and its measurements. @param {string} name */
  extraOf(name) {
    const fact = this.facts[name];
    if (!fact) return '';
    const real = this.facts.examples?.grain;
    const numbers = [
      [sayHtml('compare.distance'), name === 'ddim' ? say('compare.is_ddim') : fixed(fact.distance, 3)],
      ...(name === 'mine' ? [[say('compare.to_yours'), fixed(fact.to_yours, 3)]] : []),
      [real ? say('compare.grain_real', { real: fixed(real, 3) }) : say('compare.grain'), fixed(fact.grain, 3)],
      [say('compare.calls'), `${fact.nfe}`],
      [
        say('compare.time'),
        fact.seconds === null ? say('compare.made_before') : say('stage.seconds', { seconds: fixed(fact.seconds, 2) }),
      ],
    ];
    const facts = numbers.map(([term, n]) => `<span>${term}</span><b>${n}</b>`).join('');
    return `${this.othersOf(name, fact)}<div class="facts">${facts}</div>`;
  }

  /** The row's pictures with other noise seeds. @param {string} name @param {any} fact */
  othersOf(name, fact) {
    const { others, noise_seed } = this.value.settings;
    const picture = (key, k = 0) => {
      const what = say('compare.other_seed', { seed: noise_seed + 1 + k });
      return `<button type="button" class="pic" data-open="${key}" aria-label="${say('stage.open', { what })}"><canvas data-name="${key}"></canvas></button>`;
    };
    if (name === 'ddim') {
      const key = fact.repeat === 0 ? 'compare.repeat_exact' : 'compare.repeat';
      const repeat = fact.repeat === undefined ? '' : `<br>${sayHtml(key, { difference: digits(fact.repeat, 2) })}`;
      return `<div class="group"><p>${say('compare.again')}${repeat}</p>${picture('ddim/other/0')}</div>`;
    }
    if (name !== 'ddpm') return '';
    const mean = fact.others && fact.others.reduce((a, b) => a + b, 0) / fact.others.length;
    const differ = fact.others ? `<br>${sayHtml('compare.differ', { difference: fixed(mean, 3) })}` : '';
    const pictures = Array.from({ length: others }, (_, k) => picture(`ddpm/other/${k}`, k));
    return `<div class="group"><p>${say('compare.other_seeds', { n: others })}${differ}</p>${pictures.join('')}</div>`;
  }

  openInSteps(button) {
    const [name, kind, k] = button.dataset.open.split('/'),
      { noise_seed } = this.value.settings;
    if (name === 'wrong' || name === 'mine') return null; // Steps has neither wrong time steps nor the user's own
    const large = this.rows[name] === 'large';
    setView({ t: kind ? 1 : this.moments[this.film.at][1] || 1 });
    return {
      eta: large ? 1 : this.rows[name],
      variance: large ? 'large' : 'eta',
      noise_seed: kind === 'other' ? noise_seed + 1 + Number(k) : noise_seed,
    };
  }

  showOptions() {
    this.$(`[name="show"][value="${this.show}"]`).checked = true;
  }
}

customElements.define('explorer-compare', Compare);
