// Keyboard shortcuts. The same tables drive the handlers and the help.

/**
 * @typedef {object} KeyRow
 * @property {string[]} keys as in KeyboardEvent.key
 * @property {string} [says] key of the text for the help; a row without it is an alias of another row
 * @property {(key: string) => void} act
 * @property {string} [on] selector of an element: the keys work only in it
 * @property {() => unknown} [when] the row is active only if this is true
 */

const TYPED_IN =
  'input:not([type="checkbox"], [type="radio"], [type="range"]), select, textarea, [contenteditable="true"]';
const SLIDES = 'input[type="range"], input[type="radio"], [role="tab"], [role="menu"]'; // these handle arrows, Home and End themselves

/** By tab, and "everywhere". @type {Map<string, KeyRow[]>} */
const tables = new Map();
let singleKeys = true;

/** The keys of a tab, or those of "everywhere". @param {string} name */
export const keysOf = (name) => tables.get(name) ?? [];
/** Enable or disable single-letter keys, which interfere with speech input. @param {boolean} on */
export const allowSingleKeys = (on) => {
  singleKeys = on;
};

/**
 * Keys that move through a run: by `n` steps, to either end, and play if there is a clock.
 * @param {{ by: (n: number) => void, first: () => void, last: () => void, play?: (on?: boolean) => void, says?: [string, string] }} moves
 * @returns {KeyRow[]}
 */
export const transportKeys = ({ by, first, last, play, says = ['keys.step', 'keys.ends'] }) => [
  { keys: ['ArrowLeft', 'ArrowRight'], says: says[0], act: (key) => by(key === 'ArrowLeft' ? -1 : 1) },
  { keys: ['Home', 'End'], says: says[1], act: (key) => (key === 'Home' ? first() : last()) },
  ...(play ? [{ keys: [' '], says: 'keys.play', act: () => play() }] : []),
];

/**
 * Handle the keys of `table`, and list them in the help under the tab `name`.
 * @param {string} name
 * @param {KeyRow[]} table
 * @param {object} [options]
 * @param {() => boolean} [options.inFront] whether the keys are active now
 * @param {Element | null} [options.range] a slider that they control too
 * @param {() => void} [options.halt] called before every key except the space bar
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
    if (!row || (!own && !place && /ArrowUp|ArrowDown/.test(key))) return; // these scroll the page
    event.preventDefault();
    if (key !== ' ') halt();
    row.act(key);
  });
}
