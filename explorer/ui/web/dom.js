// DOM helpers that several elements share.
import { say } from './localize.js';

/** The icon of a button that draws a random seed. */
export const DIE =
  '<svg width="18" height="18" viewBox="0 0 16 16" fill="currentColor" stroke="currentColor" stroke-width="1.2" aria-hidden="true">' +
  '<rect x="2.5" y="2.5" width="11" height="11" rx="2.5" fill="none"/><circle cx="5.6" cy="5.6" r=".8"/><circle cx="10.4" cy="10.4" r=".8"/>' +
  '<circle cx="8" cy="8" r=".8"/><circle cx="10.4" cy="5.6" r=".8"/><circle cx="5.6" cy="10.4" r=".8"/></svg>';
const MAX_RANDOM = 10000;

export const randomSeed = () => Math.floor(Math.random() * MAX_RANDOM);

/** Base class of the page's custom elements, with query helpers. */
export class Part extends HTMLElement {
  /**
   * @param {string} selector
   * @param {ParentNode} [inside]
   * @returns {any}
   */
  $(selector, inside = this) {
    return inside.querySelector(selector);
  }

  /**
   * @param {string} selector
   * @param {ParentNode} [inside]
   * @returns {any[]}
   */
  $$(selector, inside = this) {
    return [...inside.querySelectorAll(selector)];
  }
}

/**
 * @param {HTMLElement} button shows that the text was copied
 * @param {string} text
 */
export async function copyText(button, text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // the clipboard API needs https or localhost
    const area = Object.assign(document.createElement('textarea'), { value: text });
    document.body.append(area);
    area.select();
    document.execCommand('copy');
    area.remove();
  }
  const label = button.textContent,
    done = say('actions.copied');
  button.textContent = done;
  setTimeout(() => {
    if (button.textContent === done) button.textContent = label; // unless the language changed
  }, 1200);
}

/**
 * Download a file.
 * @param {string} url
 * @param {string} name
 */
export function download(url, name) {
  const link = Object.assign(document.createElement('a'), { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  if (url.startsWith('blob:')) setTimeout(() => URL.revokeObjectURL(url), 10000);
}

/**
 * Read or write a value in localStorage, if that is available.
 * @param {string} key
 * @param {string} [value] to store
 */
export function remembered(key, value) {
  try {
    if (value) localStorage.setItem(key, value);
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}
