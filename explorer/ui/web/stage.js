// The base class of the elements that show a tab. It handles the values from the backend, pictures, the tab's own settings and the
// status row. `value` is what Python's Tab.run yields. A tab overrides the hooks that it needs, see below.
import { announce } from './announce.js';
import { backend } from './backend.js';
import { copyText, DIE, Part, randomSeed } from './dom.js';
import { byEngine, describeOrigin, describeTimings } from './engine.js';
import { currentLanguage, keepTranslated, localize, say } from './localize.js';
import { thousands } from './numbers.js';
import { listen, page, publish } from './page_state.js';
import { OptionFields, randomSeedsFor } from './option_fields.js';
import { PictureStore } from './picture_store.js';
import { markPreview } from './preview_mark.js';
import { tellReadings } from './readings.js';
import { RemainingTime, roundTime } from './remaining_time.js';
import { SaveMenu } from './save_menu.js';
import { chartsAsSvg } from './svg_export.js';

const RESIZE_RESTED = 60; // ms
const WATCHED = { attributes: true, attributeFilter: ['class', 'data-projector', 'data-card'] };

export class Stage extends Part {
  /** The tab's formulas as TeX, shown in the guide. @type {string[]} */
  static formulas = [];

  /** The section with the tab's content. @type {HTMLElement} */
  stage;
  /** The tab's name. */
  tab = '';
  /** The latest value that is not an error. @type {any} */
  #value = null;
  /** @type {any} */
  #problem = null;
  /** The latest value of a queued run. @type {any} */
  queued = null;
  /** The remaining time of the run; null while it is unknown. @type {number | null} */
  secondsLeft = null;
  pictures = new PictureStore(() => this.repaint());
  #drawing = false;
  #remaining = new RemainingTime();
  /** @type {OptionFields} */
  #options;
  /** Count of the newest change of the settings. */
  #asked = 0;
  /** Whether the menu offers the run as a diffusers script. */
  offersDiffusers = false;

  // ---- hooks ----

  /** Called once before the first value, when the markup is there. */
  prepare() {}
  /** Apply the view in a URL, at the start and whenever another one is opened. @param {URLSearchParams} _query */
  look(_query) {}
  /** Called when `this.value` has changed. */
  receive() {}
  /** Draw `this.value`. Called in an animation frame while the tab is visible. */
  draw() {}
  /**
   * The settings to open in Steps when a picture (a button with data-open) is clicked; null for none.
   * @param {HTMLElement} _button
   * @returns {Record<string, any> | null}
   */
  openInSteps(_button) {
    return null;
  }
  /** Show the tab's settings outside of inputs. @param {Record<string, any>} _settings */
  showOptions(_settings) {}
  /** Whether no more will come of `this.value`. */
  get isComplete() {
    return this.value?.state !== 'running';
  }
  /**
   * The numbers of `this.value` that texts quote, formatted, by name: {reading.name} in a text, see readings.js.
   * @returns {import('./readings.js').Readings}
   */
  readings() {
    return {};
  }
  /**
   * Make a file from what is drawn.
   * @param {string} _kind
   * @param {string} _settings of the run, as a query string
   * @returns {string | Blob | Promise<string | Blob>}
   */
  makeFile(_kind, _settings) {
    return chartsAsSvg(this.stage);
  }

  /** Called when the settings of the page have changed. */
  settingsChanged() {
    this.#options.show(this.settings);
    this.showOptions(this.settings);
    this.repaint();
  }
  /** Called when the tab has been resized or selected. */
  resized() {
    this.repaint();
  }

  // ---- lifecycle ----

  connectedCallback() {
    if (this.stage) return; // the element was only moved
    this.stage = this.$('.stage');
    this.tab = this.stage.dataset.tab ?? '';
    this.look(new URLSearchParams(location.search));
    for (const die of this.$$('.die')) die.innerHTML = DIE;
    this.#options = new OptionFields(this, (change) => this.change(change));
    this.addEventListener('click', (event) => {
      const button = /** @type {Element} */ (event.target).closest('button');
      if (button) this.press(button);
    });
    listen('look', (query) => this.look(query));
    listen('settings', () => this.settingsChanged());
    listen('changed', ({ tab, count }) => {
      if (tab !== this.tab) return;
      this.#asked = count;
      this.tellReadings();
    });
    this.#watchSize();
    new MutationObserver(() => this.resized()).observe(document.body, WATCHED);
    announce(this.stage);
    this.saveMenu = new SaveMenu(this.stage, {
      settings: () => this.value?.settings,
      makeFile: (kind, settings) => this.makeFile(kind, settings),
      diffusers: this.offersDiffusers,
    });
    this.prepare();
    keepTranslated(this, () => {
      if (this.problem) this.showProblem();
      this.repaint();
    });
    this.#options.show(this.settings);
    this.showOptions(this.settings);
  }

  /** A hidden tab has no size: draw when it becomes visible, and once resizing has stopped. */
  #watchSize() {
    let wasInFront = false;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let resizing;
    new ResizeObserver(() => {
      clearTimeout(resizing);
      if (this.inFront) this.stage.style.setProperty('--screen', String(this.stage.clientWidth)); // for print.css
      if (this.inFront && !wasInFront) this.resized();
      else resizing = setTimeout(() => this.resized(), RESIZE_RESTED);
      wasInFront = this.inFront;
    }).observe(this.stage);
  }

  /** The current error. A new good value clears it, unless it is of the page itself ({own}). */
  get problem() {
    return this.#problem;
  }

  set problem(problem) {
    this.#problem = problem;
    publish('problem', { tab: this.tab, field: problem?.field, message: problem?.message });
  }

  get value() {
    return this.#value;
  }

  set value(next) {
    this.#take(next);
  }

  /** @param {any} next */
  #take(next) {
    if (!next || next.id < (this.problem ?? this.#value)?.id) return; // a late value of an older run
    this.queued = next.state === 'queued' ? next : null;
    if (this.queued) return this.drawStatus();
    if (next.state === 'error') return this.refuse(next);
    // an error of a rejected file stays during the run
    if (!(this.problem?.own && next.id === this.problem.id)) this.problem = null;
    this.#value = next;
    this.showProblem();
    this.pictures.read(next);
    this.secondsLeft = next.state === 'running' ? this.#remaining.update(next) : null;
    this.receive();
    this.repaint();
    if (next.state === 'ended') publish('ended', { tab: this.tab, count: next.count });
  }

  // ---- methods for tabs ----

  get settings() {
    return page.settings;
  }

  get inFront() {
    return Boolean(this.stage.offsetParent);
  }

  /** Request other settings. @param {Record<string, any>} change */
  change(change) {
    publish('set', change);
  }

  /** Paint a picture on a canvas, see PictureStore. @param {HTMLCanvasElement} canvas @param {string} name @param {number} size */
  paint(canvas, name, size) {
    this.pictures.paint(canvas, name, size, this.value.id);
    markPreview(canvas.parentElement, this.pictures.preview(name), size);
  }

  /** Draw in the next animation frame. */
  repaint() {
    if (this.#drawing) return;
    this.#drawing = true;
    requestAnimationFrame(() => {
      this.#drawing = false;
      if (this.value && this.inFront) this.draw();
      this.drawStatus();
      this.tellReadings();
    });
  }

  /** Tell the numbers that texts quote: those of the newest settings, or none yet. */
  tellReadings() {
    const { value, problem } = this;
    const isNew = Boolean(value && !problem && (value.count ?? 0) >= this.#asked);
    tellReadings(this.tab, isNew ? this.readings() : {}, isNew && this.isComplete);
  }

  /** Show an error. @param {any} problem {message, field, repair} as a value of state "error" */
  refuse(problem) {
    this.problem = problem;
    this.showProblem();
    this.drawStatus();
  }

  /** A button was pressed. @param {HTMLButtonElement} button */
  press(button) {
    const { die, list, current, open } = button.dataset;
    if (die) this.change({ [die]: list === undefined ? randomSeed() : randomSeedsFor(this.settings[die]) });
    else if (current) this.change({ [current]: this.settings.seed });
    else if (open !== undefined) {
      const settings = this.openInSteps(button);
      if (settings) this.change({ tab: 'steps', variance: 'eta', ...settings });
    } else if (button.matches('.stop')) backend.stop(this.tab);
    else if (button.matches('.repair') && this.problem?.repair) {
      this.change({ [this.problem.repair.key]: this.problem.repair.value });
    } else if (button.matches('.python') && this.value?.script) copyText(button, this.value.script);
    else if (button.matches('.link')) copyText(button, location.href);
  }

  // ---- errors and the status row ----

  /** Show an error beside its field. */
  showProblem() {
    for (const note of this.$$('.problem')) note.remove();
    for (const input of this.$$('[name][aria-invalid="true"]')) input.setAttribute('aria-invalid', 'false');
    const input = this.problem?.field && this.$(`[name="${this.problem.field}"]`);
    if (!input) return;
    input.setAttribute('aria-invalid', 'true');
    const note = Object.assign(document.createElement('p'), { className: 'problem', role: 'alert' });
    note.textContent = localize(this.problem.message);
    input.closest('.option').append(note);
  }

  drawStatus() {
    const { queued, problem, value } = this;
    const state = queued?.state ?? (problem ? 'error' : (value?.state ?? 'waiting'));
    const text = localize(queued?.message ?? problem?.message ?? value?.message ?? '');
    const message = !queued && problem && value ? say('stage.kept', { message: text }) : text;
    const named = say(`states.${state}`);
    this.$('.status').dataset.state = state;
    if (this.$('.state').textContent !== named) this.$('.state').textContent = named;
    this.$('.message').textContent = message;
    this.$('.status').toggleAttribute('data-note', state !== 'error' && message !== '');
    this.$('.repair').hidden = !problem?.repair;
    if (problem?.repair) this.$('.repair').textContent = localize(problem.repair.label);
    this.$('.stop').hidden = !['running', 'queued'].includes(state);
    if (value) this.#drawFigures();
  }

  #drawFigures() {
    const { evaluations: n, expected, seconds, pictures, engine, timings } = this.value;
    const origin = describeOrigin(this.value.origin, say, currentLanguage());
    let calls = '';
    if (n !== null && n < expected) calls = say('stage.nfe_of', { n: thousands(n), expected: thousands(expected) });
    else if (n) calls = say('stage.nfe', { n: thousands(n) });
    else if (origin) calls = origin;
    else if (n !== null && pictures) calls = say('stage.from_before');
    const left = this.secondsLeft === null ? null : roundTime(this.secondsLeft);
    this.$('.left').textContent = left ? say(`stage.${left.unit}_left`, { n: left.n }) : '';
    const previews = this.value.state === 'ended' ? 0 : this.pictures.previews(this.value.id);
    this.$('.previews').textContent = previews ? say('stage.previews', { n: previews }) : '';
    const timed = n || (n === null && seconds);
    this.$('.nfe').textContent = calls;
    this.$('.seconds').textContent = timed ? say('stage.seconds', { seconds: seconds.toFixed(1) }) : '';
    this.$('.rate').textContent =
      n && !left // the row has no room for both
        ? say('stage.rate', { ms: ((1000 * seconds) / n).toFixed(0) }) + byEngine(engine)
        : (this.value.origin?.engine ?? '');
    this.$('.rate').title = describeTimings(timings, say);
  }
}
