// The Quality tab: measured distances over S and η beside the paper's, distance over time, and sample pictures.
import { say, sayHtml, sentence, sentences } from '../../web/localize.js';
import { math } from '../../web/math.js';
import { digits } from '../../web/numbers.js';
import { setView } from '../../web/page_state.js';
import { chart, write } from '../../web/plot.js';
import { Stage } from '../../web/stage.js';
import { cellsOf, cellsOfTable, ETAS, fasterRun, heatRows } from './cells.js';
import { curvesChart, PLAIN_NAMES, stepTicks, timeTicks } from './curves.js';

/** @typedef {import('./cells.js').Cell} Cell */
/** @typedef {import('./cells.js').Cells} Cells */

const SAMPLED_ETAS = ['0', '0.5', '1', 'large'];
const DARKEST = 48; // percent of colour in the worst cell of the heat map
const NARROW = 700; // px: width of the window on a phone
const PHONE_COLUMNS = 2;
const PICTURE_SIZE = 64;

/** @param {string} eta */
const symbolOf = (eta) => math(eta === 'large' ? '\\hat\\sigma' : `\\eta = ${eta}`);

class Quality extends Stage {
  static formulas = [
    '\\|\\mu-\\mu_\\mathrm{r}\\|^2 + ' +
      '\\mathrm{Tr}(\\Sigma + \\Sigma_\\mathrm{r} - 2(\\Sigma\\Sigma_\\mathrm{r})^{1/2})',
  ];

  /** @type {Record<string, any>} */
  measured = { cells: [] };
  /** @type {{ steps: number[], tables: Record<string, Record<string, number[]>> }} */
  paper = { steps: [], tables: {} };
  /** @type {{ steps: number[], pictures: number }} */
  samples = { steps: [], pictures: 0 };
  /** The data set of the paper's numbers. @type {'CelebA' | 'CIFAR10'} */
  data = 'CelebA';

  prepare() {
    this.$('.python').dataset.say = 'quality.copy'; // the script of this tab is a command
    for (const input of this.$$('[name="paper"]')) {
      input.addEventListener('change', (/** @type {Event} */ event) => {
        event.stopPropagation(); // no new run is needed
        this.data = input.value;
        setView({ paper: this.data === 'CIFAR10' ? this.data : null });
        this.repaint();
      });
    }
  }

  /** @param {URLSearchParams} query */
  look(query) {
    this.data = query.get('paper') === 'CIFAR10' ? 'CIFAR10' : 'CelebA';
  }

  receive() {
    this.measured = JSON.parse(this.value.measured);
    this.paper = JSON.parse(this.value.paper);
    this.samples = JSON.parse(this.value.samples);
  }

  draw() {
    const { measured, paper } = this;
    const ours = cellsOf(measured.cells);
    const theirs = cellsOfTable(paper.steps, paper.tables[this.data]);
    this.drawHow();
    const floor = measured.real && { distance: measured.real, text: say('quality.real') };
    this.drawCurves('.ours', ours, { ticks: stepTicks(ours), floor });
    this.drawCurves('.theirs', theirs, { ticks: stepTicks(theirs) });
    this.drawHeatMap('.heat-ours', ours);
    this.drawHeatMap('.heat-theirs', theirs);
    this.drawSpeed(ours);
    this.drawSamples();
  }

  /** Show how the distances were measured. */
  drawHow() {
    const { cells, features, reference, note } = this.measured;
    const fewest = Math.min(...cells.map((/** @type {import('./cells.js').Measurement} */ cell) => cell[5]));
    write(this.$('.ours h3'), cells.length ? say('quality.ours_of', { n: fewest }) : say('quality.ours'));
    const how = cells.length ? sentences(sentence(features), sentence(reference)) : sentence(note);
    write(this.$('.ours .how'), how);
  }

  /**
   * @param {string} where
   * @param {Cells} cells
   * @param {object} options see curvesChart
   * @param {import('./curves.js').Tick[]} options.ticks
   * @param {{ distance: number, text: string }} [options.floor]
   * @param {(cell: Cell) => number} [options.x]
   * @param {number} [options.height]
   */
  drawCurves(where, cells, { ticks, floor, x = ({ S }) => S, height = 240 }) {
    const plot = this.$(`${where} .plot`);
    const width = Math.max(260, plot.clientWidth);
    const options = curvesChart(cells, { x, ticks, size: { width, height }, floor });
    write(plot, options ? chart(options).svg : '');
  }

  /** @param {string} where @param {Cells} cells */
  drawHeatMap(where, cells) {
    const box = this.$(`${where} .heat`);
    const etas = ETAS.filter((eta) => cells[eta]);
    if (!etas.length) return write(box, `<p class="how">${say('quality.nothing')}</p>`);
    box.style.gridTemplateColumns = `44px repeat(${etas.length}, minmax(0, 1fr))`;
    /** @param {string | number} html */
    const axis = (html) => `<span class="axis">${html}</span>`;
    const rows = heatRows(cells).map((row) => {
      return axis(row.S) + row.cells.map((cell) => (cell ? heatCell(cell) : '<span></span>')).join('');
    });
    write(box, [axis(math('S')), ...etas.map((eta) => axis(symbolOf(eta))), ...rows].join(''));
  }

  /** @param {Cells} cells */
  drawSpeed(cells) {
    const ticks = timeTicks(cells, (seconds) => say('stage.seconds', { seconds }));
    this.drawCurves('.speed', cells, { ticks, x: ({ seconds }) => seconds ?? NaN, height: 200 });
    const faster = fasterRun(cells);
    const found = faster && sayHtml('quality.faster', { ...faster, times: digits(faster.times, 2) });
    write(this.$('.faster'), Object.keys(cells).length ? (found ?? say('quality.no_faster')) : '');
  }

  drawSamples() {
    const box = this.$('.samples');
    const { steps, pictures } = this.samples;
    const narrow = innerWidth <= NARROW;
    box.hidden = !steps.length;
    box.style.setProperty('--n', narrow ? PHONE_COLUMNS : steps.length);
    const shown = narrow ? steps.slice(0, PHONE_COLUMNS) : steps;
    const cells = ['<span></span>', ...shown.map((S) => `<span>${math('S')} = ${S}</span>`)];
    for (const eta of SAMPLED_ETAS) {
      cells.push(`<span>${symbolOf(eta)}</span>`, ...shown.map((S) => sampleCell(S, eta, pictures)));
    }
    write(box, cells.join(''));
    if (!shown.length) return;
    const column = (box.clientWidth - (narrow ? 44 : 72)) / shown.length - 8;
    const size = Math.min(PICTURE_SIZE, Math.floor(column / pictures));
    box.style.setProperty('--p', `${size}px`);
    for (const canvas of this.$$('canvas', box)) this.paint(canvas, canvas.dataset.name, size);
  }

  /** @param {HTMLElement} button */
  openInSteps(button) {
    const [S, eta, k] = String(button.dataset.open).split('/');
    const { seed, noise_seed } = this.value.settings;
    const large = eta === 'large';
    const i = Number(k);
    return {
      seed: (typeof seed === 'number' ? seed : 0) + i,
      noise_seed: noise_seed + i,
      steps: Number(S),
      eta: large ? 1 : Number(eta),
      variance: large ? 'large' : 'eta',
    };
  }

  showOptions() {
    this.$(`[name="paper"][value="${this.data}"]`).checked = true;
  }
}

/** @param {Cell & { best: boolean, share: number }} cell */
function heatCell({ distance, spread, pictures, best, share }) {
  const title = pictures ? say('quality.cell', { n: pictures, spread: digits(spread ?? NaN, 2) }) : '';
  const colour = `color-mix(in oklab, var(--noise) ${Math.round(DARKEST * share)}%, var(--bg))`;
  const marked = best ? ' class="best"' : '';
  return `<span${marked} style="background: ${colour}" title="${title}">${digits(distance, 3)}</span>`;
}

/**
 * The sample pictures of a cell, as buttons that open the run in Steps.
 * @param {number} S
 * @param {string} eta
 * @param {number} count
 */
function sampleCell(S, eta, count) {
  const buttons = Array.from({ length: count }, (_, i) => {
    const name = `${S}/${eta}/${i}`;
    const what = say('quality.picture', { steps: S, noise: PLAIN_NAMES[eta], n: i + 1 });
    const label = say('stage.open', { what });
    return (
      `<button type="button" class="cell" data-open="${name}" aria-label="${label}">` +
      `<canvas data-name="${name}"></canvas></button>`
    );
  });
  return `<span class="cell">${buttons.join('')}</span>`;
}

customElements.define('explorer-quality', Quality);
