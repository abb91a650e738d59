// Keys. A table of them is what the handlers go by and what the help shows.

/**
 * @typedef {object} KeyRow
 * @property {string[]} keys as in KeyboardEvent.key
 * @property {string} [says] the text of what they do; without it the row is another name for one that has it
 * @property {(key: string) => void} act
 * @property {string} [on] a selector of the place that has them for itself
 * @property {() => unknown} [when] the row counts only where this is true
 */

const TYPED_IN =
  'input:not([type="checkbox"], [type="radio"], [type="range"]), select, textarea, [contenteditable="true"]';
const SLIDES = 'input[type="range"], input[type="radio"], [role="tab"], [role="menu"]'; // these use arrows, Home and End themselves

/** By tab, and "everywhere". @type {Map<string, KeyRow[]>} */
const tables = new Map();
let singleKeys = true;

/** The keys of a tab, or those of "everywhere". @param {string} name */
export const keysOf = (name) => tables.get(name) ?? [];
/** Whether keys of one letter count; people who speak to their computer switch them off. @param {boolean} on */
export const allowSingleKeys = (on) => {
  singleKeys = on;
};

/**
 * What moves through a run: `by(n)` steps, to an end, and the clock where there is one.
 * @param {{ by: (n: number) => void, first: () => void, last: () => void, play?: (on?: boolean) => void, says?: [string, string] }} moves
 * @returns {KeyRow[]}
 */
export const transportKeys = ({ by, first, last, play, says = ['keys.step', 'keys.ends'] }) => [
  { keys: ['ArrowLeft', 'ArrowRight'], says: says[0], act: (key) => by(key === 'ArrowLeft' ? -1 : 1) },
  { keys: ['Home', 'End'], says: says[1], act: (key) => (key === 'Home' ? first() : last()) },
  ...(play ? [{ keys: [' '], says: 'keys.play', act: () => play() }] : []),
];

/**
 * Obey `table`, and show it in the help as that of tab `name`.
 * @param {string} name
 * @param {KeyRow[]} table
 * @param {object} [options]
 * @param {() => boolean} [options.inFront] whether its keys count now
 * @param {Element | null} [options.range] the slider whose keys they are too
 * @param {() => void} [options.halt] is called before every key but the space bar
 */
export function listenToKeys(name, table, { inFront = () => true, range = null, halt = () => {} } = {}) {
  tables.set(name, [...keysOf(name), ...table]);
  document.addEventListener('keydown', (event) => {
    const { key } = event;
    const target = /** @type {Element} */ (event.target);
    const single = key.length === 1 && key !== ' ',
      own = target === range;
    if (!inFront() || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (document.querySelector('dialog:modal')) return;
    if (target.closest(TYPED_IN) || (single && !singleKeys)) return;
    if (!own && !single && target.closest(SLIDES)) return;
    if (key === ' ' && target.closest('button, a, input:not([type="range"])')) return;
    const place = table.find((row) => row.on && target.closest(row.on))?.on;
    const row = table.find((row) => row.on === place && row.keys.includes(key) && (!row.when || row.when()));
    if (!row || (!own && !place && /ArrowUp|ArrowDown/.test(key))) return; // those scroll the page
    event.preventDefault();
    if (key !== ' ') halt();
    row.act(key);
  });
}
