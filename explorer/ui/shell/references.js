// The list of references below every tab. A citation in any text opens it at its entry, and from there a button leads back.
import { idOf, labels } from '../web/citations.js';
import { config } from '../web/config.js';
import { escapeHtml } from '../web/fill_text.js';
import { say } from '../web/localize.js';

const TOPICS = /** @type {const} */ (['models', 'inversion', 'measures']);
const cited = labels(config.references);

/** @param {import('../web/citations.js').Reference} reference */
function entry({ key, authors, year, title, arxiv }) {
  const text = `${authors.join(', ')}. <cite>${escapeHtml(title)}</cite>. ${year}.`;
  const link = `<a href="https://arxiv.org/abs/${arxiv}" target="_blank" rel="noopener">arXiv:${arxiv}</a>`;
  const back = `<button type="button" class="back" hidden>${say('references.back')}</button>`;
  return `<li id="${idOf(key)}" tabindex="-1"><b>${escapeHtml(cited.get(key) ?? '')}</b> ${text} ${link} ${back}</li>`;
}

/**
 * Write the list in the language of the page.
 * @param {HTMLElement} box
 */
export function drawReferences(box) {
  box.innerHTML = TOPICS.map((topic) => {
    const entries = config.references.filter((reference) => reference.topic === topic).map(entry);
    return `<h3>${say(`references.${topic}`)}</h3><ul>${entries.join('')}</ul>`;
  }).join('');
}

/**
 * Open the list at what is cited, when a citation anywhere on the page is followed.
 * @param {HTMLDetailsElement} fold
 */
export function listenToCitations(fold) {
  /** Where the reader came from. @type {HTMLElement | null} */
  let origin = null;
  document.addEventListener('click', (event) => {
    const target = /** @type {Element} */ (event.target);
    const link = /** @type {HTMLElement | null} */ (target.closest?.('a.cite'));
    if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
      event.preventDefault(); // the address holds the settings, not a place on the page
      origin = link;
      show(fold, link.dataset.cite ?? '');
    } else if (target.closest?.('.references .back')) {
      origin?.scrollIntoView({ block: 'center' });
      origin?.focus({ preventScroll: true });
    }
  });
  const key = config.references.find((reference) => location.hash === `#${idOf(reference.key)}`)?.key;
  if (key) show(fold, key); // a citation that was opened in a window of its own
}

/**
 * @param {HTMLDetailsElement} fold
 * @param {string} key
 */
function show(fold, key) {
  fold.open = true;
  for (const item of fold.querySelectorAll('li')) {
    const wanted = item.id === idOf(key);
    item.toggleAttribute('data-cited', wanted);
    /** @type {HTMLElement} */ (item.querySelector('.back')).hidden = !wanted;
    if (!wanted) continue;
    item.scrollIntoView({ block: 'center' });
    item.focus({ preventScroll: true });
  }
}
