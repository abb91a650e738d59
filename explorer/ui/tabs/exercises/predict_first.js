// The lesson's questions, answered before and after it.
import { config } from '../../web/config.js';
import { download, remembered } from '../../web/dom.js';
import { escapeHtml } from '../../web/fill_text.js';
import { say, sayHtml } from '../../web/localize.js';
import { textOf } from '../../web/math.js';
import { listen } from '../../web/page_state.js';
import { write } from '../../web/plot.js';
import { answersAsCsv, readAnswers, scoreOf, WHEN } from './predictions.js';

const KEY = 'explorer-predictions';

/** @typedef {import('./predictions.js').When} When */

export class PredictFirst {
  #answers = readAnswers(remembered(KEY));
  /** @type {When} */
  #when = 'before';
  #questions = config.lesson.stops.map(({ name, right }) => ({ name, right: Number(right) }));

  /** @param {import('../../web/dom.js').Part} host */
  constructor(host) {
    const section = host.$('.predict');
    /** @type {(selector: string) => any} */
    this.$ = (selector) => host.$(selector, section);
    section.addEventListener('change', (/** @type {Event} */ event) => {
      const input = /** @type {HTMLInputElement} */ (event.target);
      event.stopPropagation(); // no run depends on it
      if (input.name === 'when') this.#when = /** @type {When} */ (input.value);
      else this.#keep(this.#when, input.dataset.question ?? '', Number(input.value));
      this.draw();
    });
    this.$('.export').addEventListener('click', () => this.#export());
    this.$('.forget').addEventListener('click', () => {
      this.#answers = readAnswers(null);
      this.#store();
      this.draw();
    });
    listen('guessed', ({ name, guess }) => {
      this.#keep('lesson', name, guess);
      this.draw();
    });
  }

  /** @param {When} when @param {string} name @param {number} guess */
  #keep(when, name, guess) {
    this.#answers[when][name] = guess;
    this.#store();
  }

  #store() {
    remembered(KEY, JSON.stringify(this.#answers));
  }

  draw() {
    const choices = WHEN.filter((when) => when !== 'lesson').map(
      (when) =>
        `<label><input type="radio" name="when" value="${when}"${when === this.#when ? ' checked' : ''}>` +
        `<span>${escapeHtml(say(`predict.${when}`))}</span></label>`,
    );
    write(this.$('.when'), choices.join(''));
    for (const input of this.$('.when').querySelectorAll('input')) input.checked = input.value === this.#when;
    write(this.$('.questions'), this.#questions.map(({ name }) => this.#question(name)).join(''));
    const given = this.#answers[this.#when];
    for (const input of this.$('.questions').querySelectorAll('input'))
      input.checked = given[input.dataset.question] === Number(input.value);
    const values = { of: this.#questions.length };
    const scores = WHEN.map((when) => {
      const { answered, right } = scoreOf(this.#questions, this.#answers[when]);
      return answered
        ? say(`predict.score_${when}`, { ...values, answered, right: this.#mayTell(when) ? right : '…' })
        : '';
    });
    this.$('.score').textContent = scores.filter(Boolean).join(' ');
    const isEmpty = WHEN.every((when) => !Object.keys(this.#answers[when]).length);
    this.$('.export').disabled = this.$('.forget').disabled = isEmpty;
  }

  /** Whether to tell how many answers are right: those before the lesson are told once all after it are given. @param {When} when */
  #mayTell(when) {
    const isComplete = scoreOf(this.#questions, this.#answers.after).answered === this.#questions.length;
    return when === 'lesson' || isComplete;
  }

  /** @param {string} name */
  #question(name) {
    const guesses = [1, 2, 3].map(
      (n) =>
        `<label><input type="radio" name="predict-${name}" data-question="${name}" value="${n}"> ` +
        `<span>${sayHtml(`stops.${name}.guess_${n}`)}</span></label>`,
    );
    const ask = sayHtml(`stops.${name}.ask`);
    return `<li><fieldset><legend>${ask}</legend>${guesses.join('')}</fieldset></li>`;
  }

  #export() {
    const plain = (/** @type {string} */ html) =>
      textOf(Object.assign(document.createElement('span'), { innerHTML: html }));
    const csv = answersAsCsv(this.#questions, this.#answers, ({ name }) => plain(sayHtml(`stops.${name}.ask`)));
    download(URL.createObjectURL(new Blob([csv], { type: 'text/csv' })), 'predictions.csv');
  }
}
