// Citations in texts: {cite.aidi} is shown as "Pan et al. 2023", and links to the entry in the list of references. No DOM.
import { escapeHtml } from './fill_text.js';

/**
 * @typedef {object} Reference an entry of explorer/ui/references.json
 * @property {string} key
 * @property {'models' | 'inversion' | 'measures'} topic
 * @property {number} year of the first version
 * @property {string} arxiv its id
 * @property {string[]} authors given names and surname
 * @property {string} title
 */

/** The id of an entry's element. @param {string} key */
export const idOf = (key) => `reference-${key}`;

/** @param {string} author */
const surname = (author) => author.slice(author.lastIndexOf(' ') + 1);

/**
 * @param {Reference} reference
 * @param {string} first how the first author is called
 */
function labelOf({ authors, year }, first) {
  const others = authors.length > 2 ? ' et al.' : authors.length === 2 ? ` & ${surname(authors[1])}` : '';
  return `${first}${others} ${year}`;
}

/**
 * How a text names each reference, by key: "Pan et al. 2023". Where two would be called the same, the initial of the first author
 * comes before it, as in "Y. Song et al. 2020".
 * @param {Reference[]} references
 * @returns {Map<string, string>}
 */
export function labels(references) {
  const short = references.map((reference) => labelOf(reference, surname(reference.authors[0])));
  return new Map(
    references.map((reference, i) => {
      const [first] = reference.authors;
      const shared = short.filter((label) => label === short[i]).length > 1;
      return [reference.key, shared ? labelOf(reference, `${first[0]}. ${surname(first)}`) : short[i]];
    }),
  );
}

/**
 * A citation as HTML; undefined if there is no such entry.
 * @param {string} key
 * @param {Map<string, string>} cited the labels
 */
export function citation(key, cited) {
  const label = cited.get(key);
  return label && `<a class="cite" href="#${idOf(key)}" data-cite="${key}">${escapeHtml(label)}</a>`;
}
