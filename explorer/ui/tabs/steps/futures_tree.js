// The tree of the branching futures: the run up to the fork, and a row for each future.
import { say, sayHtml } from '../../web/localize.js';
import { write } from '../../web/plot.js';

/** @typedef {import('./run_pictures.js').PicturedRun} PicturedRun */
/** @typedef {import('./run.js').Futures} Futures */

/** A curve from the fork to each row, in a square of 1 by 1. @param {number} count */
function branches(count) {
  const paths = Array.from({ length: count }, (_, k) => {
    const y = ((k + 0.5) / count).toFixed(4);
    return `<path d="M0 .5C.6 .5 .4 ${y} 1 ${y}"/>`;
  });
  return `<svg class="branches" viewBox="0 0 1 1" preserveAspectRatio="none" aria-hidden="true">${paths.join('')}</svg>`;
}

/** The head of a column, and its t alone where there is little room. @param {string} text @param {number | string} t */
const head = (text, t) => `<span class="head"><span class="named">${text}</span><span class="short">${t}</span></span>`;

/** @param {Futures} futures @param {number} count of the futures */
function markup({ trunk, columns }, count) {
  const heads = [...trunk, null, ...columns].map((t) =>
    t === null ? '<span></span>' : head(sayHtml('futures.column', { at: t }), t),
  );
  const before = trunk.map((_, j) => `<div class="trunk"><canvas data-picture="trunk/${j}"></canvas></div>`);
  const rows = Array.from({ length: count }, (_, k) => {
    const tiles = Array.from({ length: columns.length + 1 }, (_, j) => `<canvas data-picture="${k}/${j}"></canvas>`);
    return `<button type="button" class="future" data-future="${k}">${tiles.join('')}</button>`;
  });
  return `${heads.join('')}${head(sayHtml('futures.final'), '0')}${before.join('')}${branches(count)}${rows.join('')}`;
}

/**
 * Draw the tree.
 * @param {HTMLElement} tree
 * @param {PicturedRun} run with futures
 * @param {number} selected the future that is enlarged
 */
export function drawTree(tree, run, selected) {
  const futures = /** @type {Futures} */ (run.futures);
  const { count } = run.forks;
  tree.style.setProperty('--trunk', String(futures.trunk.length));
  tree.style.setProperty('--columns', String(futures.columns.length + 1));
  tree.style.setProperty('--count', String(count));
  write(tree, markup(futures, count));
  for (const canvas of /** @type {NodeListOf<HTMLCanvasElement>} */ (tree.querySelectorAll('canvas')))
    run.branches.paint(canvas, canvas.dataset.picture ?? '', canvas.clientWidth, run.branchesId);
  for (const button of /** @type {NodeListOf<HTMLButtonElement>} */ (tree.querySelectorAll('.future'))) {
    const k = Number(button.dataset.future);
    button.ariaLabel = say('futures.enlarge', { k });
    button.setAttribute('aria-pressed', String(k === selected));
  }
}
