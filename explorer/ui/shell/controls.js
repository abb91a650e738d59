// The control column, and the one place that changes settings: its own, and those that the tabs ask it to change. It writes the
// address, and has the tab in front run.
import { FIELDS, queryOf, settingsFrom, tabFrom, viewFrom, viewKeys } from '../web/address.js';
import { backend } from '../web/backend.js';
import { config } from '../web/config.js';
import { DIE, Part, randomSeed } from '../web/dom.js';
import { browserLanguage, currentLanguage, keepTranslated, setLanguage } from '../web/localize.js';
import { typed } from '../web/number_text.js';
import { listen, page, publish, replaceView, setView } from '../web/page_state.js';
import { CheckpointField } from './checkpoint.js';
import { FieldsView } from './fields_view.js';
import { numberAfterKey, positionOf, stepsAfterKey, valueAt } from './scales.js';
import { exampleSettings, requestKey } from './used_fields.js';

const ADDRESS_RESTED = 200; // ms: a drag must not flood the history

class Controls extends Part {
  /** Rises with every change: a run says which one it is of. */
  #count = 0;
  /** By tab: the settings of its last finished run. @type {Record<string, string>} */
  #done = {};
  /** By tab: the field that it has refused, and why. @type {Record<string, { field?: string, message?: any }>} */
  #problems = {};
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #writing;
  /** The keys of the address that say what is looked at. @type {string[]} */
  #viewKeys = [];
  /** @type {HTMLFormElement} */
  form;
  /** @type {CheckpointField} */
  checkpoint;
  /** @type {FieldsView} */
  fields;

  connectedCallback() {
    if (this.form) return;
    this.form = this.$('.controls');
    this.checkpoint = new CheckpointField(this, (change, notice) => this.#send(change, notice));
    this.fields = new FieldsView(this, this.form, this.checkpoint);
    for (const die of this.$$('.die')) die.innerHTML = DIE;
    page.settings = { ...backend.about.defaults };
    this.#viewKeys = viewKeys(backend.about.view_keys);
    replaceView(viewFrom(new URLSearchParams(location.search), this.#viewKeys));
    this.#listen();
    keepTranslated(this, () => {
      this.fields.translate();
      this.#showProblem();
    });
  }

  /** The settings of the page. */
  get settings() {
    return page.settings;
  }

  /** The tab in front. */
  get tab() {
    return page.tab;
  }

  /** @returns {any} */
  get value() {
    return { ...page.settings, count: this.#count };
  }

  /** The settings that an address was found to hold, as Python's `restore` says. */
  set value(given) {
    if ((given.count ?? 0) < this.#count) return;
    Object.assign(this.checkpoint.known, given.checkpoints);
    for (const name of Object.keys(backend.about.defaults)) if (name in given) page.settings[name] = given[name];
    this.fields.show();
    if (!given.tab) return;
    page.tab = given.tab;
    if (given.later) this.#restore(location.search, '', true);
    else this.#send({}, given.notice);
  }

  #writeAddress() {
    if (this.checkpoint.keepsAddress) return;
    const language = currentLanguage() === browserLanguage ? null : currentLanguage();
    const before = new URLSearchParams(location.search);
    const text = queryOf({
      ...page,
      tabs: config.tabs,
      defaults: backend.about.defaults,
      keys: this.#viewKeys,
      language,
      before,
    });
    history.replaceState(null, '', text ? `?${text}` : location.pathname);
  }

  // ---- changes ----

  /** What a tab's pictures depend on now. @param {string} tab */
  #requestKey(tab) {
    return requestKey(tab, page.settings, backend.about);
  }

  #send(change, notice = '') {
    page.settings = { ...page.settings, ...this.checkpoint.fitting(change) };
    if ('checkpoint' in change) this.checkpoint.leave();
    this.#count += 1;
    const count = this.#count,
      { tab } = page;
    this.fields.show();
    this.#writeAddress();
    publish('settings', page);
    publish('changed', { count, tab });
    delete this.#done[tab];
    const fields = { ...page.settings, count, notice };
    backend.newest(fields);
    backend.run(tab, fields);
  }

  /** A tab comes to the front: run it, unless what it shows is what would come out. @param {string} name */
  #open(name) {
    if (name === page.tab) return;
    page.tab = name;
    this.fields.show();
    this.#showProblem();
    this.#writeAddress();
    publish('settings', page);
    if (this.#done[name] !== this.#requestKey(name)) this.#send({});
  }

  #change({ tab, ...settings }, notice = '') {
    if (tab && tab !== page.tab) {
      page.tab = tab;
      // a narrow page keeps the last titles in a menu
      const titles = document.querySelectorAll('#tabs > .tab-wrapper :is([role="tab"], .overflow-dropdown button)');
      /** @type {HTMLElement | undefined} */ (titles[config.tabs.indexOf(tab)])?.click();
    }
    this.#send(settings, notice);
  }

  /** Look at all that an address says. @param {URLSearchParams} given @param {Record<string, any>} [kept] */
  #look(given, kept = {}) {
    replaceView({ ...kept, ...viewFrom(given, this.#viewKeys) });
    publish('look', given);
  }

  /** A picture that was saved says what made it: all settings, and what was looked at. Only known names are read. */
  #restore(query, notice, keepsAddress = false) {
    const given = new URLSearchParams(query),
      fields = settingsFrom(given, backend.about.defaults);
    if (!keepsAddress) given.delete('stop'); // a picture's lesson is over
    const put = (checkpoint) => {
      this.#look(given);
      this.#change({ tab: tabFrom(given, config.tabs), ...fields, checkpoint }, notice);
    };
    if (this.checkpoint.mustOpen(fields.checkpoint)) this.checkpoint.open(fields.checkpoint, put, keepsAddress);
    else put(fields.checkpoint);
  }

  /** Show an example of the lesson. The notation stays as it is. @param {string} query */
  #follow(query) {
    const given = new URLSearchParams(query),
      tab = tabFrom(given, config.tabs);
    this.#look(given, { notation: page.view.notation });
    this.#change({ tab, ...exampleSettings(given, tab, backend.about) });
  }

  #showProblem() {
    const { field, message } = this.#problems[page.tab] ?? {};
    this.fields.showProblem(field, message);
  }

  // ---- events ----

  #listen() {
    this.addEventListener('input', (event) => {
      const { dataset, value } = /** @type {HTMLInputElement} */ (event.target);
      const name = /** @type {import('./scales.js').Slider | undefined} */ (dataset.range);
      if (name) this.#send({ [name]: valueAt(name, +value, this.fields.T) });
    });
    this.addEventListener('keydown', (event) => this.#stepByKey(event));
    this.addEventListener('focusout', () => this.fields.show()); // what was typed, as it is understood
    this.addEventListener('change', (event) => {
      const input = /** @type {HTMLInputElement} */ (event.target);
      if (input.name === 'language') setLanguage(input.value).then(() => this.#writeAddress());
      else if (input.name === 'checkpoint') this.checkpoint.choose();
      else if (input.name === 'notation') setView({ notation: input.value === 'ddim' ? 'ddim' : null });
      else if (FIELDS.includes(input.name)) this.#send({ [input.name]: typed(input) });
    });
    this.addEventListener('click', (event) => {
      const button = /** @type {Element} */ (event.target).closest('button');
      const { die, set, tool } = button?.dataset ?? {};
      if (die) this.#send({ [die]: randomSeed() });
      else if (set) this.#send({ [set]: Number(button?.textContent) });
      else if (tool) publish(tool);
      else if (button?.matches('.pill'))
        button.setAttribute('aria-expanded', String(this.form.classList.toggle('open')));
    });
    this.form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#send({});
    });
    this.form.addEventListener('keydown', (event) => {
      if (event.key !== 'Escape' || !this.form.classList.contains('open')) return;
      event.preventDefault();
      this.$('.pill').click();
      this.$('.pill').focus();
    });
    listen('to-controls', () => {
      if (this.$('.pill').offsetParent && !this.form.classList.contains('open')) this.$('.pill').click();
      this.$('[data-range="eta"]').focus(); // it is what one comes for
    });
    listen('set', (change) => this.#change(change));
    listen('restore', ({ settings, name }) => this.#restore(settings, { say: 'controls.restored', values: { name } }));
    listen('follow', (query) => this.#follow(query));
    listen('tab', (name) => this.#open(name));
    listen('problem', ({ tab, field, message }) => {
      this.#problems[tab] = { field, message };
      if (tab === page.tab) this.#showProblem();
    });
    listen('ended', ({ count, tab }) => {
      if (count === this.#count) this.#done[tab] = this.#requestKey(tab);
    });
    listen('view', (change) => {
      if ('notation' in change) this.fields.show();
      clearTimeout(this.#writing);
      this.#writing = setTimeout(() => this.#writeAddress(), ADDRESS_RESTED);
    });
  }

  /** One arrow key is one step of S, whatever the scale, and a small step of a number in a field. @param {KeyboardEvent} event */
  #stepByKey(event) {
    const input = /** @type {HTMLInputElement} */ (event.target),
      { T } = this.fields;
    const isRange = input.dataset.range === 'steps';
    const value = isRange
      ? stepsAfterKey(event.key, page.settings.steps, T)
      : numberAfterKey(event.key, input.name, Number(typed(input)), T);
    if (!(isRange || input.dataset.number) || value === undefined) return;
    event.preventDefault();
    input.value = String(isRange ? positionOf('steps', value, T) : value);
    this.#send({ [isRange ? 'steps' : input.name]: value });
  }
}

customElements.define('explorer-controls', Controls);
