// The base class of the elements that show a tab: values as they come from the backend, their pictures, the tab's own settings,
// the status row. `value` is what Python's Tab.run yields. A tab overrides the hooks that it needs, see below.
import { announce } from './announce.js';
import { backend } from './backend.js';
import { byEngine, copyText, DIE, Part, randomSeed } from './dom.js';
import { keepTranslated, localize, say } from './localize.js';
import { thousands } from './numbers.js';
import { listen, page, publish } from './page_state.js';
import { PictureStore } from './picture_store.js';
import { SaveMenu } from './save_menu.js';
import { chartsAsSvg } from './svg_export.js';

const RESIZE_RESTED = 60; // ms
const WATCHED = { attributes: true, attributeFilter: ['class', 'data-projector'] };

export class Stage extends Part {
  /** The formulas of the tab, as TeX: the guide shows them. @type {string[]} */
  static formulas = [];

  /** The section with all that the tab shows. @type {HTMLElement} */
  stage;
  /** The tab's name. */
  tab = '';
  /** The newest value that is not an error. @type {any} */
  #value = null;
  /** An error value, until the next good one; one of the page itself ({own}), such as a file that was refused, stays during a run. @type {any} */
  problem = null;
  /** A value that only says how many runs go first. @type {any} */
  queued = null;
  pictures = new PictureStore(() => this.repaint());
  #drawing = false;
  /** Whether the run can be copied as a script for diffusers. */
  offersDiffusers = false;

  // ---- hooks ----

  /** Make ready, once, before the first value: the elements are there. */
  prepare() {}
  /** What the address asks to look at, at first and whenever another one is opened. @param {URLSearchParams} _asked */
  look(_asked) {}
  /** A new good value is in `this.value`. */
  receive() {}
  /** Draw `this.value`. It is called in an animation frame, and only while the tab is in front. */
  draw() {}
  /**
   * What Steps is to show when a picture (a button with data-open) is clicked; null for nothing.
   * @param {HTMLElement} _button
   * @returns {Record<string, any> | null}
   */
  openInSteps(_button) {
    return null;
  }
  /** Show the tab's settings where the inputs alone do not. @param {Record<string, any>} _settings */
  showOptions(_settings) {}
  /**
   * A file that the browser makes of what is drawn.
   * @param {string} _kind
   * @param {string} _settings what made it, as the query of an address
   * @returns {string | Blob | Promise<string | Blob>}
   */
  makeFile(_kind, _settings) {
    return chartsAsSvg(this.stage);
  }

  /** The settings of the page are others. */
  settingsChanged() {
    this.#showSettings();
    this.repaint();
  }
  /** The tab has another size, or has come to the front. */
  resized() {
    this.repaint();
  }

  // ---- life ----

  connectedCallback() {
    if (this.stage) return; // only moved
    this.stage = this.$('.stage');
    this.tab = this.stage.dataset.tab ?? '';
    this.look(new URLSearchParams(location.search));
    for (const die of this.$$('.die')) die.innerHTML = DIE;
    this.#listenToOptions();
    this.addEventListener('click', (event) => {
      const button = /** @type {Element} */ (event.target).closest('button');
      if (button) this.press(button);
    });
    listen('look', (asked) => this.look(asked));
    listen('settings', () => this.settingsChanged());
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
    this.#showSettings();
  }

  /** A hidden tab has no size: draw at once when it comes to the front, and when its size has come to rest. */
  #watchSize() {
    let wasInFront = false;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let resizing;
    new ResizeObserver(() => {
      clearTimeout(resizing);
      if (this.inFront && !wasInFront) this.resized();
      else resizing = setTimeout(() => this.resized(), RESIZE_RESTED);
      wasInFront = this.inFront;
    }).observe(this.stage);
  }

  get value() {
    return this.#value;
  }

  set value(next) {
    this.#take(next);
  }

  /** @param {any} next */
  #take(next) {
    if (!next || next.id < (this.problem ?? this.#value)?.id) return; // a late word of an older run
    this.queued = next.state === 'queued' ? next : null;
    if (this.queued) return this.drawStatus();
    if (next.state === 'error') return this.refuse(next);
    // a file that was refused stays so while the run goes on
    if (!(this.problem?.own && next.id === this.problem.id)) this.problem = null;
    this.#value = next;
    this.showProblem();
    this.pictures.read(next);
    this.receive();
    this.repaint();
    if (next.state === 'ended') publish('ended', { tab: this.tab, count: next.count });
  }

  // ---- for the tabs ----

  get settings() {
    return page.settings;
  }

  get inFront() {
    return Boolean(this.stage.offsetParent);
  }

  /** Ask for other settings. @param {Record<string, any>} change */
  change(change) {
    publish('set', change);
  }

  /** Put a picture on a canvas, see PictureStore. @param {HTMLCanvasElement} canvas @param {string} name @param {number} size */
  paint(canvas, name, size) {
    this.pictures.paint(canvas, name, size, this.value.id);
  }

  /** Draw in the next animation frame. */
  repaint() {
    if (this.#drawing) return;
    this.#drawing = true;
    requestAnimationFrame(() => {
      this.#drawing = false;
      if (this.value && this.inFront) this.draw();
      this.drawStatus();
    });
  }

  /** Show what is wrong. @param {any} problem {message, field, repair} as a value of state "error" */
  refuse(problem) {
    this.problem = problem;
    this.showProblem();
    this.drawStatus();
  }

  /** A button was pressed. @param {HTMLButtonElement} button */
  press(button) {
    const { die, list, current, open } = button.dataset;
    if (die) this.change({ [die]: list === undefined ? randomSeed() : this.#randomSeeds(die) });
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

  // ---- what is wrong, and the status row ----

  /** Say beside its field what is wrong with it. */
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
    const { evaluations: n, expected, seconds, pictures, engine } = this.value;
    let calls = '';
    if (n !== null && n < expected) calls = say('stage.nfe_of', { n: thousands(n), expected: thousands(expected) });
    else if (n) calls = say('stage.nfe', { n: thousands(n) });
    else if (n !== null && pictures) calls = say('stage.from_before');
    const timed = n || (n === null && seconds);
    this.$('.nfe').textContent = calls;
    this.$('.seconds').textContent = timed ? say('stage.seconds', { seconds: seconds.toFixed(1) }) : '';
    this.$('.rate').textContent = n
      ? say('stage.rate', { ms: ((1000 * seconds) / n).toFixed(0) }) + byEngine(engine)
      : '';
  }

  // ---- the settings of the tab ----

  #listenToOptions() {
    /** @param {Event} event @param {boolean} ranges */
    const take = (event, ranges) => {
      const input = /** @type {HTMLInputElement} */ (event.target);
      if (input.closest('.option') && input.name && (input.type === 'range') === ranges)
        this.change({ [input.name]: typed(input) });
    };
    this.addEventListener('change', (event) => take(event, false));
    this.addEventListener('input', (event) => take(event, true));
  }

  #showSettings() {
    const now = this.settings;
    for (const input of this.$$('.option [name]')) {
      if (!(input.name in now)) continue;
      if (input.type === 'checkbox') input.checked = now[input.name];
      else if (input.type === 'radio') input.checked = input.value === String(now[input.name]);
      else if (document.activeElement !== input || input.type === 'range') input.value = now[input.name];
      if (input.type === 'range') {
        input.style.setProperty('--at', `${(100 * (input.value - input.min)) / (input.max - input.min)}%`);
        this.$(`[data-of="${input.name}"]`).textContent = input.value;
      }
    }
    this.showOptions(now);
  }

  /** As many random seeds as a field has latents. @param {string} name */
  #randomSeeds(name) {
    return String(this.settings[name])
      .split(/,(?![^(]*\))/)
      .map(randomSeed)
      .join(', ');
  }
}

/**
 * What stands in an input, in the type of its setting.
 * @param {HTMLInputElement} input
 */
function typed(input) {
  if (input.type === 'checkbox') return input.checked;
  if (input.type === 'number' || input.type === 'range') return input.value === '' ? null : +input.value;
  const isNumber = input.dataset.latent !== undefined && /^[0-9]{1,15}$/.test(input.value.trim());
  return isNumber ? +input.value : input.value;
}
