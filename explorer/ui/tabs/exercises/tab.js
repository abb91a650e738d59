// The Exercises tab: what a slip looks like, the tasks to write, and the lesson's questions before and after it.
import { copyText } from '../../web/dom.js';
import { escapeHtml } from '../../web/fill_text.js';
import { Film } from '../../web/film.js';
import { currentLanguage, say, sayHtml } from '../../web/localize.js';
import { formula, math } from '../../web/math.js';
import { digits, fixed, indexOfNearest } from '../../web/numbers.js';
import { setView } from '../../web/page_state.js';
import { write } from '../../web/plot.js';
import { Stage } from '../../web/stage.js';
import { withSubscripts } from '../../web/subscripts.js';
import { PredictFirst } from './predict_first.js';
import { FORMULAS, stubOf } from './tasks.js';

const MOST = 8; // rows with a slip
const SAME = 1e-4; // a smaller difference is rounding

/** @typedef {[name: string, slip: string, term: string, formula: string]} PlantedSlip */
/** @typedef {{ steps: number, difference: number | null, outside: number }} SlipFacts */

/** The task of a planted slip. @param {string} name */
const taskOf = (name) => name.split('.')[0];

class Exercises extends Stage {
  static formulas = [FORMULAS.ddim_step, FORMULAS.sigma];

  /** @type {Film} */
  film;
  /** @type {PredictFirst} */
  predict;
  /** @type {string[]} */
  rows = [];
  /** The columns: index of the step or "end", and its t. @type {[number | 'end', number][]} */
  moments = [];
  /** @type {Map<string, PlantedSlip>} */
  gallery = new Map();
  /** @type {[name: string, signature: string, source: [string, string]][]} */
  tasks = [];
  /** @type {Record<string, SlipFacts>} */
  facts = {};
  /** The task whose stub is shown. */
  task = 'ddim_step';
  /** The t at the scrubber; 0 for the end. */
  wish = 0;

  prepare() {
    this.film = new Film(this, { onMove: (k) => this.moved(k) });
    this.predict = new PredictFirst(this);
    this.$('.groups').addEventListener('change', (/** @type {Event} */ event) => {
      event.stopPropagation();
      const chosen = this.$$('.groups input:checked').map((input) => input.value);
      if (chosen.length > MOST) /** @type {HTMLInputElement} */ (event.target).checked = false;
      else this.change({ slips: chosen.join(', ') });
    });
    this.$('.task-names').addEventListener('change', (/** @type {Event} */ event) => {
      event.stopPropagation(); // no new run is needed
      this.task = /** @type {HTMLInputElement} */ (event.target).value;
      setView({ task: this.task });
      this.repaint();
    });
    this.$('.to-handout').addEventListener('click', () => setView({ handout: 1 }));
    this.$('.copy-stub').addEventListener('click', () => {
      copyText(this.$('.copy-stub'), this.$('.stub').textContent);
    });
  }

  /** @param {URLSearchParams} query */
  look(query) {
    const task = query.get('task') ?? '';
    this.task = task in FORMULAS ? task : 'ddim_step';
    this.wish = Number(query.get('moment') ?? 0) || 0;
  }

  receive() {
    const { value } = this;
    this.rows = JSON.parse(value.rows);
    this.moments = [...JSON.parse(value.columns), ['end', 0]];
    this.gallery = new Map(JSON.parse(value.gallery).map((/** @type {PlantedSlip} */ slip) => [slip[0], slip]));
    this.tasks = JSON.parse(value.tasks);
    this.facts = JSON.parse(value.facts);
    const times = this.moments.map(([, t]) => t);
    this.film.at = indexOfNearest(times, this.wish);
  }

  /** @param {number} k */
  moved(k) {
    this.wish = this.moments[k][1];
    setView({ moment: this.wish || null });
  }

  readings() {
    return { T: 1000 }; // of the lesson's first question
  }

  draw() {
    this.drawChoice();
    const [, t] = this.moments[this.film.at];
    write(this.$('.what'), t === 0 ? sayHtml('exercises.end') : sayHtml('exercises.x0_at', { at: t }));
    const lanes = this.rows.map((name) => ({
      name,
      title: this.titleOf(name),
      text: this.textOf(name),
      extra: this.extraOf(name),
    }));
    const columns = this.moments.map(([, time]) => time);
    const label = (/** @type {number} */ k) => `t = ${columns[k]}`;
    this.film.draw(lanes, columns, ({ name }, k) => this.pictureOf(name, k), label);
    for (const button of this.$$('.lane .now')) button.disabled = button.dataset.open !== 'correct';
    this.drawTask();
    this.predict.draw();
  }

  /** @param {string} row @param {number} k the column */
  pictureOf(row, k) {
    return `${row}/${this.moments[k][0] === 'end' ? 'end' : k}`;
  }

  /** The switches of all slips, in the groups of their tasks. */
  drawChoice() {
    const chosen = String(this.settings.slips)
      .split(/\s*,\s*/)
      .filter((name) => this.gallery.has(name)); // also before their run has begun
    const values = { n: chosen.length, of: this.gallery.size, most: MOST };
    write(this.$('.choose summary'), sayHtml('exercises.choose', values));
    const names = [...new Set([...this.gallery.keys()].map(taskOf))];
    const groups = names.map((task) => {
      const switches = [...this.gallery.values()]
        .filter(([name]) => taskOf(name) === task)
        .map(
          ([name, slip]) =>
            `<label><input type="checkbox" value="${name}"> <span>${withSubscripts(say(`exercise.slips.${slip}.name`))}</span></label>`,
        );
      return `<fieldset><legend>${sayHtml(`exercises.group.${task}`)}</legend>${switches.join('')}</fieldset>`;
    });
    write(this.$('.groups'), groups.join(''));
    for (const input of this.$$('.groups input')) {
      input.checked = chosen.includes(input.value);
      input.disabled = !input.checked && chosen.length >= MOST;
    }
  }

  /** @param {string} row */
  titleOf(row) {
    const slip = this.gallery.get(row);
    if (slip) return withSubscripts(say(`exercise.slips.${slip[1]}.name`));
    const eta = row === 'correct' ? this.value.settings.eta : 0;
    return sayHtml('exercises.correct', { setting: formula(`\\eta = ${digits(Number(eta), 3)}`) });
  }

  /** @param {string} row */
  textOf(row) {
    const slip = this.gallery.get(row);
    if (!slip) return sayHtml(row === 'correct' ? 'exercises.correct_text' : 'exercises.correct_loop');
    const [, name, term, affected] = slip;
    const key = `exercise.terms.${taskOf(row)}.${term}`,
      known = say(key);
    const named = known === key ? say(`exercise.terms.${term}`) : known;
    const where = sayHtml('exercises.term', {
      term: { html: withSubscripts(named) },
      formula: { html: withSubscripts(affected) },
    });
    const facts = this.facts[row];
    const same = facts?.difference !== null && facts?.difference < SAME;
    const none = same
      ? `<br>${sayHtml(this.value.divides ? 'exercises.no_difference_divides' : 'exercises.no_difference')}`
      : '';
    return `${withSubscripts(say(`exercise.slips.${name}.why`))}<br>${where}${none}`;
  }

  /** @param {string} row */
  extraOf(row) {
    const facts = this.facts[row];
    if (!facts) return '';
    const { difference, outside, steps } = facts;
    const numbers = [
      [sayHtml('exercises.difference'), difference === null ? say('exercises.not_finite') : fixed(difference, 3)],
      [say('exercises.outside'), `${fixed(100 * outside, 0)} %`],
      [say('exercises.steps'), steps],
    ];
    return `<div class="facts">${numbers.map(([term, n]) => `<span>${term}</span><b>${n}</b>`).join('')}</div>`;
  }

  drawTask() {
    const names = this.tasks.map(
      ([name]) => `<label><input type="radio" name="task" value="${name}"><span>${name}</span></label>`,
    );
    write(this.$('.task-names'), names.join(''));
    for (const input of this.$$('.task-names input')) input.checked = input.value === this.task;
    const [name, signature, [kind, n]] = this.tasks.find(([each]) => each === this.task) ?? this.tasks[0];
    write(this.$('.task .formula'), math(FORMULAS[name]));
    const source = say(`exercises.source_${kind}`, { n });
    write(
      this.$('.instruction'),
      `${sayHtml(`exercises.task.${name}`)} <span class="source">${escapeHtml(source)}</span>`,
    );
    this.$('.stub').textContent = stubOf(name, signature, currentLanguage());
  }

  /** @param {HTMLElement} button */
  openInSteps(button) {
    if (button.dataset.open !== 'correct') return null; // Steps has no slips
    const { eta, noise_seed } = this.value.settings;
    setView({ t: this.wish || 1 });
    return { eta, noise_seed };
  }
}

customElements.define('explorer-exercises', Exercises);
