// What the fields of the control column show: settings in inputs, sliders and their stops, labels, and which fields have no effect.
import { FIELDS } from '../web/address.js';
import { backend } from '../web/backend.js';
import { config } from '../web/config.js';
import { currentLanguage, localize, say, sayHtml } from '../web/localize.js';
import { math } from '../web/math.js';
import { notation, page } from '../web/page_state.js';
import { positionOf, SLIDERS, startOf, stopsOf } from './scales.js';
import { hasLargeVariance, idleFields } from './used_fields.js';

/** The fields that are a row of radio buttons, and their values. */
const SEGMENTS = {
  spacing: ['linear', 'quadratic', 'leading', 'quadratic-ddim'],
  variance: ['eta', 'large'],
  notation: ['ddpm', 'ddim'],
  language: Object.keys(config.languages),
};
/** Of these, the choices are symbols and have a name that is read aloud. */
const NAMED_ALOUD = ['variance', 'notation'];

/** η with two decimals where these are all; what is no number stays as it was typed. @param {any} eta */
const shortEta = (eta) => (Number.isFinite(eta) && eta === +eta.toFixed(2) ? eta.toFixed(2) : eta);

export class FieldsView {
  /** T of the checkpoint, where the slider of S ends. */
  T = 1000;

  /**
   * @param {import('../web/dom.js').Part} controls
   * @param {HTMLFormElement} form
   * @param {import('./checkpoint.js').CheckpointField} checkpoint
   */
  constructor(controls, form, checkpoint) {
    this.controls = controls;
    this.form = form;
    this.checkpoint = checkpoint;
    for (const [name, values] of Object.entries(SEGMENTS)) {
      const label = (value) => `<label><input type="radio" name="${name}" value="${value}"><span></span></label>`;
      controls.$(`[data-segments="${name}"]`).innerHTML = values.map(label).join('');
    }
  }

  // ---- labels ----

  /** Write all labels in the language of the page. */
  translate() {
    this.#nameSegments();
    this.#drawStops();
    this.show();
    this.checkpoint.translate();
  }

  #nameSegments() {
    for (const [name, values] of Object.entries(SEGMENTS)) {
      values.forEach((value, i) => {
        const label = this.controls.$(`[data-segments="${name}"]`).children[i];
        if (name === 'language') [label.lang, label.lastChild.textContent] = [value, config.languages[value]];
        else label.lastChild.innerHTML = sayHtml(`choice.${value}`);
        if (NAMED_ALOUD.includes(name)) label.firstChild.setAttribute('aria-label', say(`choice.${value}_aloud`));
      });
    }
  }

  #drawStops() {
    for (const name of SLIDERS) {
      const range = this.#range(name);
      const buttons = stopsOf(name, this.T).map((value) => {
        const button = Object.assign(document.createElement('button'), { type: 'button', textContent: value });
        button.ariaLabel = say(`controls.${name}_stop`, { value });
        button.style.left = `${(positionOf(name, value, this.T) / range.max) * 100}%`;
        button.dataset.set = name;
        return button;
      });
      this.controls.$(`[data-stops="${name}"]`).replaceChildren(...buttons);
    }
  }

  // ---- settings to inputs ----

  /** Show the settings of the page. */
  show() {
    const { current } = this.checkpoint;
    if (current && current.T !== this.T) {
      this.T = current.T;
      this.#drawStops();
    }
    this.checkpoint.show();
    for (const name of FIELDS) if (name !== 'checkpoint') this.#showField(name);
    for (const name of SLIDERS) this.#showRange(name);
    this.#noteSpacing();
    this.#dim();
    this.#showPill();
    this.#input('notation').value = notation();
    document.body.dataset.notation = notation();
    const seeds = (current?.seeds ?? []).map((seed) => new Option(String(seed), String(seed)));
    this.controls.$('#control-seeds').replaceChildren(...seeds);
    this.#input('language').value = currentLanguage();
    this.controls.$('.credit').textContent = current?.credit ?? '';
  }

  /** An input of the form, or a group of radio buttons. @param {string} name @returns {any} */
  #input(name) {
    return this.form.elements.namedItem(name);
  }

  /** @param {import('./scales.js').Slider} name */
  #range(name) {
    return this.controls.$(`[data-range="${name}"]`);
  }

  /** @param {string} name */
  #showField(name) {
    const input = this.#input(name),
      value = page.settings[name];
    if (!input) return;
    if (input.type === 'checkbox') input.checked = value;
    else if (document.activeElement !== input || input.type !== 'text')
      input.value = name === 'eta' ? shortEta(value) : value;
  }

  /**
   * Mark the field that is wrong, and say why below it. The status row of the tab says it aloud.
   * @param {string | undefined} name of a field, which may be one of a tab
   * @param {any} message
   */
  showProblem(name, message) {
    for (const note of this.controls.$$('.problem')) note.remove();
    for (const field of FIELDS) {
      if (field !== 'checkpoint') this.#input(field)?.setAttribute?.('aria-invalid', String(field === name));
    }
    const box = name && FIELDS.includes(name) && this.controls.$(`[data-field="${name}"]`);
    if (!box) return;
    const note = Object.assign(document.createElement('p'), { className: 'note problem' });
    note.textContent = localize(message);
    box.append(note);
  }

  /** @param {import('./scales.js').Slider} name */
  #showRange(name) {
    const range = this.#range(name),
      position = positionOf(name, +page.settings[name], this.T);
    if (!Number.isFinite(position)) return;
    if (document.activeElement !== range) range.value = position;
    range.style.setProperty('--at', `${Math.min(100, Math.max(0, (position / range.max) * 100))}%`);
    range.setAttribute('aria-valuetext', String(page.settings[name]));
  }

  /** Say where a run starts whose spacing stops short of T. */
  #noteSpacing() {
    const { spacing, steps } = page.settings,
      note = this.controls.$('[data-note="spacing"]');
    const start = startOf(spacing, +steps, this.T);
    note.hidden = !(start < this.T);
    if (note.hidden) return;
    const about = spacing === 'quadratic-ddim' ? `${sayHtml('controls.original_quadratic')} ` : '';
    note.innerHTML = about + sayHtml('controls.starts_late', { start, total: this.T });
  }

  /** Show which fields have no effect. */
  #dim() {
    const idle = idleFields(page.tab, page.settings, backend.about);
    for (const name of FIELDS) {
      const field = this.controls.$(`[data-field="${name}"]`);
      field.toggleAttribute('data-idle', idle.has(name));
      field.title = idle.has(name) ? say('controls.idle') : '';
      for (const input of this.controls.$$('input, select', field)) input.ariaDescription = field.title || null;
    }
  }

  /** The button that opens the column where there is no room for it. It shows the most important settings. */
  #showPill() {
    const { settings, tab } = page;
    const eta = hasLargeVariance(tab, settings) ? 'σ̂' : shortEta(settings.eta);
    const values = [eta, settings.steps, settings.seed];
    const names = [math('\\eta'), math('S'), sayHtml('controls.seed_short')];
    const pill = this.controls.$('.pill');
    const [first, second, last] = names.map((name) => `${name} <span class="value"></span>`);
    pill.innerHTML = `${first} · ${second}<span class="more"> · ${last}</span> ▾`;
    this.controls.$$('.value', pill).forEach((span, i) => {
      span.textContent = values[i];
    });
  }
}
