// The control column, and the one place that changes settings: its own, and those that the tabs ask it to change. It writes the
// address, and has the tab in front run.
import { FIELDS, queryOf, settingsFrom, tabFrom, viewFrom, viewKeys } from '../web/address.js';
import { backend } from '../web/backend.js';
import { config } from '../web/config.js';
import { DIE, Part, randomSeed } from '../web/dom.js';
import { browserLanguage, currentLanguage, keepTranslated, say, sayHtml, setLanguage } from '../web/localize.js';
import { math } from '../web/math.js';
import { listen, notation, page, publish, replaceView, setView } from '../web/page_state.js';
import { CheckpointField } from './checkpoint.js';

const ADDRESS_RESTED = 200; // ms: a drag must not flood the history
const SEGMENTS = {
  spacing: ['linear', 'quadratic', 'leading'],
  variance: ['eta', 'large'],
  notation: ['ddpm', 'ddim'],
  language: Object.keys(config.languages),
};
const STEPS_STOPS = [1, 10, 20, 50, 100, 1000];
const NOT_IN_EXAMPLES = ['checkpoint', 'seed', 'noise_seed'];

class Controls extends Part {
  /** Rises with every change: a run says which one it is of. */
  #count = 0;
  #T = 1000;
  /** By tab: the settings of its last finished run. @type {Record<string, string>} */
  #done = {};
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #writing;
  /** The keys of the address that say what is looked at. @type {string[]} */
  #viewKeys = [];
  /** @type {HTMLFormElement} */
  form;
  /** @type {CheckpointField} */
  checkpoint;

  connectedCallback() {
    if (this.form) return;
    this.form = this.$('.controls');
    this.checkpoint = new CheckpointField(this, (change, notice) => this.#send(change, notice));
    for (const die of this.$$('.die')) die.innerHTML = DIE;
    for (const [name, values] of Object.entries(SEGMENTS)) {
      const label = (value) => `<label><input type="radio" name="${name}" value="${value}"><span></span></label>`;
      this.$(`[data-segments="${name}"]`).innerHTML = values.map(label).join('');
    }
    page.settings = { ...backend.about.defaults };
    this.#viewKeys = viewKeys(backend.about.view_keys);
    replaceView(viewFrom(new URLSearchParams(location.search), this.#viewKeys));
    this.#listen();
    keepTranslated(this, () => {
      this.#nameSegments();
      this.#drawStops();
      this.show();
      this.checkpoint.translate();
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
    this.show();
    if (!given.tab) return;
    page.tab = given.tab;
    if (given.later) this.#restore(location.search, '', true);
    else this.#send({}, given.notice);
  }

  // ---- labels ----

  #nameSegments() {
    for (const [name, values] of Object.entries(SEGMENTS)) {
      values.forEach((value, i) => {
        const label = this.$(`[data-segments="${name}"]`).children[i];
        if (name === 'language') [label.lang, label.lastChild.textContent] = [value, config.languages[value]];
        else label.lastChild.innerHTML = sayHtml(`choice.${value}`);
        if (['variance', 'notation'].includes(name))
          label.firstChild.setAttribute('aria-label', say(`choice.${value}_aloud`));
      });
    }
  }

  /** Where a value stands on its slider. S runs on a logarithmic scale. */
  #position = { eta: (v) => v, steps: (S) => (1000 * Math.log(S)) / Math.log(this.#T) };

  #drawStops() {
    const stops = { eta: [0, 0.2, 0.5, 1], steps: [...STEPS_STOPS.filter((S) => 1.6 * S < this.#T), this.#T] };
    for (const [name, values] of Object.entries(stops)) {
      const range = this.$(`[data-range="${name}"]`);
      const buttons = values.map((value) => {
        const button = Object.assign(document.createElement('button'), { type: 'button', textContent: value });
        button.ariaLabel = say(`controls.${name}_stop`, { value });
        button.style.left = `${(this.#position[name](value) / range.max) * 100}%`;
        button.dataset.set = name;
        return button;
      });
      this.$(`[data-stops="${name}"]`).replaceChildren(...buttons);
    }
  }

  // ---- settings to inputs ----

  show() {
    const { current } = this.checkpoint;
    if (current && current.T !== this.#T) {
      this.#T = current.T;
      this.#drawStops();
    }
    this.checkpoint.show();
    for (const name of FIELDS) if (name !== 'checkpoint') this.#showField(name);
    this.#showRanges();
    this.#dim();
    this.#showPill();
    this.#input('notation').value = notation();
    document.body.dataset.notation = notation();
    this.$('#control-seeds').replaceChildren(
      ...(current?.seeds ?? []).map((seed) => new Option(String(seed), String(seed))),
    );
    this.#input('language').value = currentLanguage();
    this.$('.credit').textContent = current?.credit ?? '';
  }

  /** An input of the form, or a group of radio buttons. @param {string} name @returns {any} */
  #input(name) {
    return this.form.elements.namedItem(name);
  }

  /** @param {string} name */
  #showField(name) {
    const input = this.#input(name),
      value = page.settings[name];
    if (!input) return;
    const short = name === 'eta' && Number.isFinite(value) && value === +value.toFixed(2);
    if (input.type === 'checkbox') input.checked = value;
    else if (document.activeElement !== input || !['number', 'text'].includes(input.type))
      input.value = short ? value.toFixed(2) : value;
    input.setAttribute?.('aria-invalid', 'false');
  }

  #showRanges() {
    for (const name of ['eta', 'steps']) {
      const range = this.$(`[data-range="${name}"]`),
        p = this.#position[name](+page.settings[name]);
      if (!Number.isFinite(p)) continue;
      if (document.activeElement !== range) range.value = p;
      range.style.setProperty('--at', `${Math.min(100, Math.max(0, (p / range.max) * 100))}%`);
      range.setAttribute('aria-valuetext', String(page.settings[name]));
    }
  }

  /** Show which fields the tab does not use. */
  #dim() {
    const { settings, tab } = page,
      idle = new Set(backend.about.idle[tab]);
    if (tab === 'steps' && settings.variance === 'large') idle.add('eta');
    else if (tab === 'steps' && +settings.eta === 0) idle.add('noise_seed');
    for (const name of FIELDS) {
      const field = this.$(`[data-field="${name}"]`);
      field.toggleAttribute('data-idle', idle.has(name));
      field.title = idle.has(name) ? say('controls.idle') : '';
      for (const input of this.$$('input, select', field)) input.ariaDescription = field.title || null;
    }
  }

  #showPill() {
    const { settings, tab } = page,
      large = settings.variance === 'large' && tab === 'steps';
    const values = [large ? 'σ̂' : (+settings.eta).toFixed(2), settings.steps, settings.seed];
    const names = [math('\\eta'), math('S'), sayHtml('controls.seed_short')];
    this.$('.pill').innerHTML = `${names.map((name) => `${name} <span class="value"></span>`).join(' · ')} ▾`;
    this.$$('.pill .value').forEach((span, i) => {
      span.textContent = values[i];
    });
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

  /** What a tab's pictures depend on: two requests that agree in this need not run twice. @param {string} tab */
  #asked(tab) {
    const { idle, options } = backend.about;
    const names = [...FIELDS.filter((name) => !idle[tab]?.includes(name)), ...options[tab]];
    return JSON.stringify(names.map((name) => page.settings[name]));
  }

  #send(change, notice = '') {
    page.settings = { ...page.settings, ...this.checkpoint.fitting(change) };
    if ('checkpoint' in change) this.checkpoint.leave();
    this.#count += 1;
    const count = this.#count,
      { tab } = page;
    this.show();
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
    this.show();
    this.#writeAddress();
    publish('settings', page);
    if (this.#done[name] !== this.#asked(name)) this.#send({});
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

  /** An example sets all but the checkpoint and the seeds, and of the tabs' own settings those of its tab. @param {string} query */
  #follow(query) {
    const given = new URLSearchParams(query),
      tab = tabFrom(given, config.tabs);
    const named = settingsFrom(given, backend.about.defaults);
    const names = [
      ...FIELDS.filter((name) => given.has(name) || !NOT_IN_EXAMPLES.includes(name)),
      ...backend.about.options[tab],
    ];
    this.#look(given, { notation: page.view.notation });
    this.#change({ tab, ...Object.fromEntries(names.map((name) => [name, named[name]])) });
  }

  // ---- events ----

  #listen() {
    this.addEventListener('input', (event) => {
      const range = /** @type {HTMLInputElement} */ (event.target);
      if (range.dataset.range === 'eta') this.#send({ eta: +range.value });
      else if (range.dataset.range === 'steps')
        this.#send({ steps: Math.round(Math.exp((+range.value / 1000) * Math.log(this.#T))) });
    });
    this.addEventListener('keydown', (event) => this.#stepByKey(event));
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
    listen('ended', ({ count, tab }) => {
      if (count === this.#count) this.#done[tab] = this.#asked(tab);
    });
    listen('view', (change) => {
      if ('notation' in change) this.show();
      clearTimeout(this.#writing);
      this.#writing = setTimeout(() => this.#writeAddress(), ADDRESS_RESTED);
    });
  }

  /** One arrow key is one step of S, whatever the scale. @param {KeyboardEvent} event */
  #stepByKey(event) {
    const range = /** @type {HTMLInputElement} */ (event.target);
    const move = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
    if (range.dataset.range !== 'steps' || !move) return;
    event.preventDefault();
    const S = Math.min(this.#T, Math.max(1, page.settings.steps + move));
    range.value = String(this.#position.steps(S));
    this.#send({ steps: S });
  }
}

/** What stands in an input, in the type of its setting. @param {HTMLInputElement} input */
function typed(input) {
  if (input.type === 'checkbox') return input.checked;
  if (input.name === 'seed' && /^-?[0-9]{1,15}$/.test(input.value.trim())) return Number(input.value);
  if (input.type !== 'number') return input.value;
  return input.value === '' ? null : Number(input.value);
}

customElements.define('explorer-controls', Controls);
