// Localization: texts in the user's language. They are fetched before any element starts.
import { citation, labels } from './citations.js';
import { config } from './config.js';
import { escapeHtml, fillText, keepTogether, knownLanguage, withoutMarkup } from './fill_text.js';
import { math } from './math.js';
import { listen, notation, publish } from './page_state.js';
import { plainMath } from './plain_math.js';
import { readingHtml, readingText } from './readings.js';
import { SYMBOLS } from './symbols.js';

const STORAGE_KEY = 'ddim-explorer-language';
/** Texts by language and key. @type {Record<string, Record<string, string>>} */
const texts = {};

/** @param {string} language */
async function fetchTexts(language) {
  texts[language] ??= await (await fetch(new URL(`../texts/${language}.json`, import.meta.url))).json();
}
/** Read or store the chosen language. @param {string} [value] */
function stored(value) {
  try {
    if (value) localStorage.setItem(STORAGE_KEY, value);
    return localStorage.getItem(STORAGE_KEY);
  } catch {
    return null;
  }
}

/** The browser's language, if available. */
export const browserLanguage =
  knownLanguage([...(navigator.languages ?? [navigator.language])], config.languages) ?? 'en';
let language =
  knownLanguage([new URLSearchParams(location.search).get('lang'), stored()], config.languages) ?? browserLanguage;
await Promise.all([fetchTexts('en'), fetchTexts(language)]);

export const currentLanguage = () => language;

let requested = language;
/** @param {string} tag */
export async function setLanguage(tag) {
  if (!Object.hasOwn(config.languages, tag)) return;
  requested = tag;
  await fetchTexts(tag);
  if (requested !== tag) return; // another language was chosen in the meantime
  language = tag;
  stored(tag);
  document.documentElement.lang = tag;
  publish('words');
  nameTabs();
  window.dispatchEvent(new Event('resize')); // tab titles have other widths now
}

/**
 * A message of the backend: a text, or the key of a text with values, which may be messages themselves.
 * @typedef {string | number | { say: string, values: Record<string, any> }} Message
 */

/** @param {string} key */
const find = (key) => texts[language][key] ?? texts.en[key] ?? key;

const cited = labels(config.references ?? []);
/** The entry of the references that a placeholder cites, "ddim" for "cite.ddim". @param {string} name */
const citedBy = (name) => /^cite\.(\w+)$/.exec(name)?.[1] ?? '';

/** @param {string} name */
function plainSymbol(name) {
  const label = cited.get(citedBy(name));
  if (label) return label;
  const symbol = SYMBOLS[name];
  return symbol && (symbol[1] ?? plainMath(symbol[0], notation() === 'ddpm'));
}
/** @param {string} name */
const setSymbol = (name) => citation(citedBy(name), cited) ?? (SYMBOLS[name] && math(...SYMBOLS[name]));

/** The word that marks numbers of the paper. */
const paperWord = () => find('guide.paper');

/**
 * A text as plain text, for labels and textContent.
 * @param {string} key
 * @param {Record<string, any>} [values]
 */
export const say = (key, values = {}) =>
  withoutMarkup(
    fillText(find(key), values, {
      value: (v) => String(localize(v)),
      symbol: plainSymbol,
      reading: readingText,
      paper: (numbers) => `${numbers} (${paperWord()})`,
    }),
  );

/**
 * A text as HTML with formulas, for innerHTML. A value { html } is inserted as it is, others are escaped.
 * @param {string} key
 * @param {Record<string, any>} [values]
 */
export const sayHtml = (key, values = {}) =>
  fillText(
    keepTogether(find(key), (name) => !Object.hasOwn(values, name) && Object.hasOwn(SYMBOLS, name)),
    values,
    {
      value: (v) => v?.html ?? escapeHtml(localize(v)),
      symbol: setSymbol,
      reading: readingHtml,
      paper: (numbers) =>
        `<span class="of-paper">${escapeHtml(numbers)}<small>${escapeHtml(paperWord())}</small></span>`,
    },
  );

/**
 * @param {Message | any} message
 * @returns {any}
 */
export const localize = (message) => (message?.say ? say(message.say, message.values) : message);

/** Join sentences. @param {...(string | false | null | undefined)} parts */
export const sentences = (...parts) => parts.filter(Boolean).join(language === 'zh' ? '' : ' ');

/** A message as an HTML sentence. @param {Message} message */
export function sentence(message) {
  return sayHtml('stage.sentence', { text: String(localize(message)).replace(/^./, (first) => first.toUpperCase()) });
}

/**
 * Set the texts of the elements with data-say, data-say-label and data-say-title below `root`, now and whenever the language or
 * the notation changes. Then call `redraw`, for texts that are set by code.
 * @param {HTMLElement} root
 * @param {() => void} [redraw]
 */
export function keepTranslated(root, redraw) {
  /** @param {string} name @param {(node: HTMLElement, key: string) => void} write */
  const all = (name, write) => {
    for (const node of root.querySelectorAll(`[${name}]`))
      write(/** @type {HTMLElement} */ (node), node.getAttribute(name) ?? '');
  };
  const write = () => {
    all('data-say', (node, key) => {
      node.innerHTML = sayHtml(key);
    });
    all('data-say-label', (node, key) => node.setAttribute('aria-label', say(key)));
    all('data-say-title', (node, key) => {
      node.title = say(key);
    });
    redraw?.();
  };
  listen('words', write);
  write();
}

// ---- tab titles, drawn by Gradio ----
function nameTabs() {
  const keys = config.tabs.map((tab) => `tabs.${tab}`);
  for (const button of document.querySelectorAll('#tabs > .tab-wrapper button')) {
    for (const node of button.childNodes) {
      if (node.nodeType !== Node.TEXT_NODE) continue;
      const title = node.nodeValue?.trim();
      const key = keys.find((name) => Object.values(texts).some((all) => all[name] === title));
      if (key && node.nodeValue !== say(key)) node.nodeValue = say(key);
    }
  }
}
function watchTabs() {
  const row = document.querySelector('#tabs > .tab-wrapper');
  if (!row) return false;
  new MutationObserver(nameTabs).observe(row, { childList: true, characterData: true, subtree: true });
  nameTabs();
  return true;
}
document.documentElement.lang = language;
if (!watchTabs()) {
  const awaited = new MutationObserver(() => {
    if (watchTabs()) awaited.disconnect();
  });
  awaited.observe(document.body, { childList: true, subtree: true });
}
