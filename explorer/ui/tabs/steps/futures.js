// Branching futures, below the charts: where the run is forked, the tree, one future enlarged, and the curve over the step of the fork.
import { say, sayHtml } from '../../web/localize.js';
import { digits, fixed, thousands } from '../../web/numbers.js';
import { page, publish, setView } from '../../web/page_state.js';
import { chart, drawCursor, write } from '../../web/plot.js';
import { curveOptions, nearestFork } from './futures_chart.js';
import { drawTree } from './futures_tree.js';

/** @typedef {import('./run_pictures.js').PicturedRun} PicturedRun */
/** @typedef {import('./run.js').Futures} Futures */

const ENLARGED_FIRST = 1; // future 0 has the noise of the run itself

export class FuturesView {
  /** @type {PicturedRun | null} */
  #run = null;
  /** The step on the screen. */
  #index = -1;
  #selected = ENLARGED_FIRST;

  /** @param {import('../../web/dom.js').Part & { stage: HTMLElement }} host */
  constructor(host) {
    const section = host.$('.futures');
    /** @type {(selector: string) => any} */
    this.$ = (selector) => host.$(selector, section);
    this.$('.fork').addEventListener('click', () => publish('set', { fork: this.#run?.plan[this.#index].t }));
    this.$('.unfork').addEventListener('click', () => publish('set', { fork: 0 }));
    this.$('.take').addEventListener('click', () => {
      publish('set', { noise_seed: Number(page.settings.noise_seed) + this.#selected, fork: 0 });
    });
    this.$('.tree').addEventListener('click', (event) => {
      const button = event.target.closest('[data-future]');
      if (button) setView({ future: this.#select(Number(button.dataset.future)) });
    });
    this.look(new URLSearchParams(location.search));
  }

  /** Show what an address says. @param {URLSearchParams} asked */
  look(asked) {
    const k = Number(asked.get('future') ?? ENLARGED_FIRST);
    this.#select(Number.isInteger(k) && k >= 0 && k < (this.#run?.forks.count ?? Infinity) ? k : ENLARGED_FIRST);
  }

  /** @param {number} k */
  #select(k) {
    this.#selected = k;
    if (this.#run) this.draw(this.#run, this.#index);
    return k;
  }

  /** @param {PicturedRun} run @param {number} index of the step on the screen */
  draw(run, index) {
    [this.#run, this.#index] = [run, index];
    this.#selected = Math.min(this.#selected, run.forks.count - 1);
    const { futures } = run;
    this.#drawChoice(run, futures, index);
    this.$('.forked').hidden = !futures;
    if (!futures) return this.$('.plot').replaceChildren();
    drawTree(this.$('.tree'), run, this.#selected);
    this.#drawVerdict(run, futures);
    this.#drawEnlarged(run, futures);
    this.#drawCurve(run, futures);
  }

  /** @param {PicturedRun} run @param {Futures | null} futures @param {number} index */
  #drawChoice(run, futures, index) {
    const { count } = run.forks,
      step = run.plan[Math.max(0, index)];
    write(this.$('.what'), sayHtml('futures.what', { count }));
    const cost = thousands(run.costOfFork(Math.max(0, index), false));
    write(this.$('.fork'), sayHtml('futures.fork', { at: step.t, n: cost }));
    this.$('.fork').disabled = index < 0 || futures?.t === step.t;
    this.$('.unfork').hidden = !futures;
    this.$('[name="fork_curve"]').checked = Boolean(page.settings.fork_curve);
    const n = thousands(run.costOfFork(futures?.index ?? Math.max(0, index), true));
    write(this.$('.with-curve'), sayHtml('futures.with_curve', { n }));
    write(this.$('.progress'), futures ? progressOf(futures) : '');
  }

  /** @param {PicturedRun} run @param {Futures} futures */
  #drawVerdict(run, { std, largest, t, isDeterministic }) {
    if (std === null) return write(this.$('.verdict'), '');
    const { eta, variance } = run.settings;
    const values = { count: run.forks.count, std: fixed(std, 3), largest: digits(largest ?? 0, 3), at: t };
    const same = variance === 'eta' && eta === 0 ? 'same' : 'same_end';
    write(this.$('.verdict'), sayHtml(`futures.${isDeterministic ? same : 'differ'}`, values));
  }

  /** @param {PicturedRun} run @param {Futures} futures */
  #drawEnlarged(run, { columns, distances, index }) {
    const k = this.#selected,
      canvas = this.$('.enlarged canvas');
    const seed = Number(run.settings.noise_seed) + k;
    run.branches.paint(canvas, `${k}/${columns.length}`, canvas.clientWidth, run.branchesId);
    canvas.ariaLabel = say('futures.alt', { k });
    write(this.$('.who'), sayHtml(k ? 'futures.other' : 'futures.own', { k }));
    const distance = distances[k];
    write(
      this.$('.distance'),
      distance === undefined ? '' : sayHtml('futures.distance', { distance: fixed(distance, 3) }),
    );
    this.$('.take').hidden = index > 0 || !k || !Number.isSafeInteger(seed); // from the first step on it is a run of its own
  }

  /** @param {PicturedRun} run @param {Futures} futures */
  #drawCurve(run, futures) {
    const plot = this.$('.plot'),
      holder = this.$('.chart');
    holder.hidden = !futures.hasCurve;
    if (!futures.hasCurve || !futures.curve.length) return plot.replaceChildren();
    const height = parseFloat(getComputedStyle(plot).getPropertyValue('--chart'));
    const options = curveOptions(futures, run.T, say('futures.curve_title'), say('futures.curve_axis'));
    const width = Math.max(200, holder.clientWidth);
    const drawn = chart({ ...options, width, height });
    write(plot, drawn.svg);
    plot.firstElementChild.onclick = (event) => {
      const box = event.currentTarget.getBoundingClientRect(),
        x = ((event.clientX - box.left) / box.width) * width;
      const t = (run.T * (drawn.X(0) - x)) / (drawn.X(0) - drawn.X(run.T));
      publish('set', { fork: nearestFork(futures, t) });
    };
    if (futures.std !== null) drawCursor(holder, drawn, futures.t, [[futures.t, futures.std, 'var(--noise)']]);
  }
}

/** How far the computation is, as text. @param {Futures} futures */
function progressOf({ state, evaluations, expected }) {
  const values = { n: thousands(evaluations), expected: thousands(expected) };
  if (state === 'ended') return expected ? say('futures.done', values) : say('futures.cached');
  return say(`futures.${state}`, values);
}
