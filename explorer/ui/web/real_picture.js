// The choice of a real picture: a held-out one, an uploaded one, or a generated one.
import { backend } from './backend.js';
import { say } from './localize.js';

const MAX_FILE = 20 * 2 ** 20; // bytes
const UPLOAD_NAME = /^[0-9a-f]{16}$/; // the name of an uploaded picture

/** @param {Blob} blob @returns {Promise<string>} */
function base64(blob) {
  return new Promise((done, failed) => {
    const reader = new FileReader();
    reader.onload = () => {
      const url = String(reader.result);
      done(url.slice(url.indexOf(',') + 1));
    };
    reader.onerror = failed;
    reader.readAsDataURL(blob);
  });
}

export class RealPicture {
  /**
   * @param {import('./stage.js').Stage} host with the markup of real_picture.html
   * @param {object} options
   * @param {string} options.field name of the setting
   * @param {string} options.made key of the text for a generated picture
   */
  constructor(host, { field, made }) {
    this.host = host;
    this.field = field;
    const pick = host.$('.pick');
    pick.name = field;
    pick.dataset.latent = ''; // its value is a number if it can be read as one
    host.$('.made-choice').innerHTML = `<button type="button" data-choose="made" data-say="${made}"></button>`;
    pick.addEventListener('focus', () => pick.select());
    host.addEventListener('click', (event) => {
      const button = /** @type {HTMLElement | null} */ (/** @type {Element} */ (event.target).closest('[data-choose]'));
      const choice = button?.dataset.choose;
      if (choice !== undefined) host.change({ [field]: choice === 'made' ? choice : +choice });
    });
    const file = host.$('.bring input');
    file.addEventListener('change', (event) => {
      event.stopPropagation();
      this.#bring(file);
    });
  }

  /** @param {HTMLInputElement} file */
  async #bring(file) {
    const chosen = file.files?.[0];
    if (!chosen) return;
    const answer = await this.#send(chosen);
    file.value = '';
    const { host, field } = this;
    if (answer.name) host.change({ [field]: answer.name });
    else host.refuse({ state: 'error', message: answer.error, field, id: host.value?.id ?? 0, own: true });
  }

  /** @param {File} file */
  async #send(file) {
    if (file.size > MAX_FILE) return { error: { say: 'real.too_large' } };
    return backend.call('receive_picture', await base64(file)).catch(() => ({ error: { say: 'real.lost' } }));
  }

  /**
   * @param {number} count number of held-out pictures
   * @param {(i: number) => string} name of the i-th one's picture
   */
  draw(count, name) {
    const { host } = this;
    const now = host.value.settings[this.field],
      box = host.$('.examples');
    if (box.children.length !== count) box.replaceChildren(...Array.from({ length: count }, (_, i) => choiceOf(i)));
    host.$('.number').hidden = !count;
    [...box.children].forEach((button, i) => {
      host.paint(button.firstChild, name(i), 48);
      button.ariaLabel = say('real.held_out', { i });
      button.setAttribute('aria-pressed', String(now === i));
    });
    host.$('.bring').toggleAttribute('data-on', UPLOAD_NAME.test(now));
    for (const button of host.$$('.made-choice button')) button.setAttribute('aria-pressed', String(now === 'made'));
  }
}

/** @param {number} i */
function choiceOf(i) {
  const button = Object.assign(document.createElement('button'), { type: 'button' });
  button.dataset.choose = String(i);
  button.append(document.createElement('canvas'));
  return button;
}
