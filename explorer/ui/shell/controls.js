// The control column, and the one place that changes settings: its own, and those that the tabs ask it to change. It writes the
// address, and has the tab in front run.
import { FIELDS, settingsFrom, tabFrom, viewFrom } from '../web/address.js';
import { backend } from '../web/backend.js';
import { config } from '../web/config.js';
import { DIE, Part, randomSeed } from '../web/dom.js';
import { keepTranslated, setLanguage } from '../web/localize.js';
import { typed } from '../web/number_text.js';
import { listen, page, publish, replaceView, setView } from '../web/page_state.js';
import { AddressBar } from './address_bar.js';
import { CheckpointField } from './checkpoint.js';
import { FieldsView } from './fields_view.js';
import { FollowingSettings, unnamed } from './following_settings.js';
import { numberAfterKey, positionOf, stepsAfterKey, valueAt } from './scales.js';
import { exampleSettings, requestKey } from './used_fields.js';

class Controls extends Part {
  /** Rises with every change: a run says which one it is of. */
  #count = 0;
  /** What the pictures of the newest run depend on. */
  #running = '';
  /** What was changed before the settings of the page had come from the server. @type {Record<string, any>} */
  #early = {};
  /** By tab: what the pictures of its last finished run depend on. @type {Record<string, string>} */
  #done = {};
  /** By tab: the field that it has refused, and why. @type {Record<string, { field?: string, message?: any }>} */
  #problems = {};
  /** @type {HTMLFormElement} */
  form;
  /** @type {CheckpointField} */
  checkpoint;
  /** @type {FollowingSettings} */
  following;
  /** @type {FieldsView} */
  fields;
  /** @type {AddressBar} */
  address;

  connectedCallback() {
    if (this.form) return;
    this.form = this.$('.controls');
    this.checkpoint = new CheckpointField(this, (change) => this.#send(change));
    this.following = new FollowingSettings(backend.about, this.checkpoint.known);
    this.fields = new FieldsView(this, this.form, this.checkpoint);
    for (const die of this.$$('.die')) die.innerHTML = DIE;
    page.settings = { ...backend.about.defaults };
    this.address = new AddressBar(this.checkpoint, this.following);
    replaceView(viewFrom(new URLSearchParams(location.search), this.address.viewKeys));
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
    this.address.started = true;
    const early = this.#early;
    this.#early = {};
    if (given.later) {
      this.#restore(location.search, { keepsAddress: true, change: early });
      return;
    }
    const choices = this.following.choicesIn(new URLSearchParams(location.search), page.settings);
    this.#send({ ...choices, ...early }, given.notice);
  }

  // ---- changes ----

  /** What a tab's pictures depend on now. @param {string} tab */
  #requestKey(tab) {
    return requestKey(tab, page.settings, backend.about);
  }

  /**
   * @param {Record<string, any>} change
   * @param {any} [notice] for the status row
   * @param {boolean} [asNewEntry] of the history
   */
  #send(change, notice = '', asNewEntry = false) {
    if (!this.address.started) {
      Object.assign(this.#early, change);
      Object.assign(page.settings, change);
      this.fields.show();
      return;
    }
    const before = page.settings;
    page.settings = this.following.after(before, change, page.tab);
    if ('checkpoint' in change) this.checkpoint.leave();
    const { checkpoint, clip } = page.settings;
    const isOn = checkpoint !== before.checkpoint && clip && !before.clip && !this.following.chosen.includes('clip');
    if (isOn) notice ||= { say: 'controls.clip_on', values: { name: checkpoint } };
    this.#count += 1;
    const count = this.#count,
      { tab } = page;
    this.fields.show();
    if (asNewEntry) this.address.write(true);
    else this.address.writeSoon();
    publish('settings', page);
    publish('changed', { count, tab });
    delete this.#done[tab];
    this.#running = this.#requestKey(tab);
    const fields = { ...page.settings, count, notice };
    backend.newest(fields);
    backend.run(tab, fields);
  }

  /** A tab comes to the front: run it, unless what it shows is what would come out. @param {string} name */
  #open(name) {
    if (name === page.tab) return;
    this.address.finish();
    page.tab = name;
    page.settings = this.following.after(page.settings, {}, name);
    this.fields.show();
    this.#showProblem();
    this.address.write(true);
    publish('settings', page);
    if (this.#done[name] !== this.#requestKey(name)) this.#send({});
  }

  /**
   * @param {Record<string, any>} change of settings, and of the tab
   * @param {object} [options]
   * @param {any} [options.notice] for the status row
   * @param {boolean} [options.asNewEntry] of the history; a change of the tab is one
   */
  #change({ tab, ...settings }, { notice, asNewEntry = tab && tab !== page.tab } = {}) {
    this.#select(tab);
    this.#send(settings, notice, asNewEntry);
  }

  /** Bring a tab to the front. @param {string | undefined} tab */
  #select(tab) {
    if (!tab || tab === page.tab) return;
    page.tab = tab;
    this.#showProblem();
    const titles = document.querySelectorAll('#tabs > .tab-wrapper [role="tab"]');
    /** @type {HTMLElement | undefined} */ (titles[config.tabs.indexOf(tab)])?.click();
  }

  /** Look at all that an address says. @param {URLSearchParams} given @param {Record<string, any>} [kept] */
  #look(given, kept = {}) {
    replaceView({ ...kept, ...viewFrom(given, this.address.viewKeys) });
    publish('look', given);
  }

  /** The settings in a query string; undefined where they follow. @param {URLSearchParams} given */
  #settingsIn(given) {
    return { ...settingsFrom(given, backend.about.defaults), ...unnamed(given) };
  }

  /**
   * An address, or a picture that was saved, says what made it: all settings, and what was looked at. Only known names are read.
   * @param {string} query
   * @param {object} [options]
   * @param {any} [options.notice] for the status row
   * @param {boolean} [options.keepsAddress] the query is that of the address
   * @param {Record<string, any>} [options.change] of those settings
   */
  #restore(query, { notice, keepsAddress = false, change = {} } = {}) {
    const given = new URLSearchParams(query),
      fields = { ...this.#settingsIn(given), ...change };
    if (!keepsAddress) given.delete('stop'); // a picture's lesson is over
    const put = (checkpoint) => {
      this.address.finish();
      this.#look(given);
      this.#change({ tab: tabFrom(given, config.tabs), ...fields, checkpoint }, { notice, asNewEntry: !keepsAddress });
    };
    if (this.checkpoint.mustOpen(fields.checkpoint)) this.checkpoint.open(fields.checkpoint, put, keepsAddress);
    else put(fields.checkpoint);
  }

  /** Back or forward in the history: what the address says is shown again, and run only if the tab shows something else. */
  #return() {
    this.address.forget();
    const given = new URLSearchParams(location.search),
      fields = this.#settingsIn(given),
      tab = tabFrom(given, config.tabs);
    const isElsewhere = fields.checkpoint !== page.settings.checkpoint;
    if (isElsewhere && this.checkpoint.mustOpen(fields.checkpoint)) {
      this.#restore(location.search, { keepsAddress: true });
    } else {
      this.#look(given);
      const settings = this.following.after(page.settings, fields, tab);
      if (this.#done[tab] !== requestKey(tab, settings, backend.about)) {
        this.#change({ tab, ...fields }, { asNewEntry: false });
      } else {
        page.settings = settings;
        this.#select(tab);
        this.fields.show();
        publish('settings', page);
      }
    }
    publish('returned', given);
  }

  /** Show an example of the lesson. The notation stays as it is. @param {string} query */
  #follow(query) {
    const given = new URLSearchParams(query),
      tab = tabFrom(given, config.tabs);
    this.address.finish();
    this.#look(given, { notation: page.view.notation });
    this.#change({ tab, ...exampleSettings(given, tab, backend.about), ...unnamed(given) }, { asNewEntry: true });
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
      if (input.name === 'language') setLanguage(input.value).then(() => this.address.write());
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
    listen('set', (change) => {
      if (change.tab) this.address.finish();
      this.#change(change);
    });
    listen('restore', ({ settings, name }) =>
      this.#restore(settings, { notice: { say: 'controls.restored', values: { name } } }),
    );
    window.addEventListener('popstate', () => this.#return());
    listen('follow', (query) => this.#follow(query));
    listen('tab', (name) => this.#open(name));
    listen('problem', ({ tab, field, message }) => {
      this.#problems[tab] = { field, message };
      if (tab === page.tab) this.#showProblem();
    });
    listen('ended', ({ count, tab }) => {
      if (count === this.#count) this.#done[tab] = this.#running;
    });
    listen('view', (change) => {
      if ('notation' in change) this.fields.show();
      this.address.writeSoon();
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
