// The inputs of a tab's own settings: inside an element of class option, each with the name of its setting.
import { randomSeed } from './dom.js';
import { typed } from './number_text.js';
import { page } from './page_state.js';

export class OptionFields {
  /**
   * @param {import('./dom.js').Part} host
   * @param {(change: Record<string, any>) => void} change requests other settings
   */
  constructor(host, change) {
    this.host = host;
    /** @param {Event} event @param {boolean} ranges */
    const take = (event, ranges) => {
      const input = /** @type {HTMLInputElement} */ (event.target);
      if (input.closest('.option') && input.name && (input.type === 'range') === ranges)
        change({ [input.name]: typed(input) });
    };
    host.addEventListener('change', (event) => take(event, false));
    host.addEventListener('input', (event) => take(event, true));
    host.addEventListener('focusout', () => this.show(page.settings)); // what was typed, as it is understood
  }

  /** @param {Record<string, any>} settings */
  show(settings) {
    for (const input of this.host.$$('.option [name]')) {
      if (!(input.name in settings)) continue;
      const value = settings[input.name];
      if (input.type === 'checkbox') input.checked = value;
      else if (input.type === 'radio') input.checked = input.value === String(value);
      else if (document.activeElement !== input || input.type === 'range') input.value = value;
      if (input.type === 'range') {
        input.style.setProperty('--at', `${(100 * (input.value - input.min)) / (input.max - input.min)}%`);
        this.host.$(`[data-of="${input.name}"]`).textContent = input.value;
      }
    }
  }
}

/** Random seeds, as many as a field has latents. @param {any} field its value */
export const randomSeedsFor = (field) =>
  String(field)
    .split(/,(?![^(]*\))/)
    .map(randomSeed)
    .join(', ');
