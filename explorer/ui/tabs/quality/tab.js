// The Quality tab: measured distances over S and η beside the paper's, seconds over S, and sample pictures.
import { say, sayHtml, sentence, sentences } from '../../web/localize.js';
import { math } from '../../web/math.js';
import { digits } from '../../web/numbers.js';
import { setView } from '../../web/page_state.js';
import { chart, write } from '../../web/plot.js';
import { Stage } from '../../web/stage.js';
import { cellsOf, cellsOfTable, ETAS, heatRows, secondsPerCall } from './cells.js';
import { parity } from './conclusions.js';
import { curvesChart, SERIES } from './curves.js';
import { findings, headline } from './findings.js';
import { readingsOf } from './readings.js';

/** @typedef {import('./cells.js').Cell} Cell */
/** @typedef {import('./cells.js').Cells} Cells */

const SAMPLED_ETAS = ['0', '0.5', '1', 'large'];
const DARKEST = 48; // percent of colour in the worst cell of the heat map
const NARROW = 700; // px: width of the window on a phone, where the pictures have a row for each S
const LABEL_COLUMN = { wide: 72, narrow: 40 }; // px
const LARGEST_PICTURE = 96; // px
const SMALLEST_PICTURE = 44; // px; below, the pictures of a cell stand in more rows

/** @param {string} eta */
const symbolOf = (eta) => math(eta === 'large' ? '\\hat\\sigma' : `\\eta = ${eta}`);

class Quality extends Stage {
  static formulas = [
    '\\|\\mu-\\mu_\\mathrm{r}\\|^2 + ' +
      '\\mathrm{Tr}(\\Sigma + \\Sigma_\\mathrm{r} - 2(\\Sigma\\Sigma_\\mathrm{r})^{1/2})',
  ];

  /** @type {import('./findings.js').Measured & Record<string, any>} */
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

  readings() {
    return readingsOf(cellsOf(this.measured.cells), this.paper.steps);
  }

  draw() {
    const { measured, paper } = this;
    const ours = cellsOf(measured.cells);
    const theirs = cellsOfTable(paper.steps, paper.tables[this.data]);
    this.drawHow();
    write(this.$('.lead .say'), measured.cells.length ? headline(parity(ours)) : say('quality.lead'));
    const yTitle = say('quality.distance_axis');
    this.drawChart('.ours', ours, { yTitle, levels: levelsOf(measured) });
    this.drawChart('.theirs', theirs, { yTitle: say('quality.fid_axis') });
    this.$('.findings').hidden = !measured.cells.length;
    write(this.$('.findings ul'), findings(ours, measured));
    this.drawHeatMap('.heat-ours', ours);
    this.drawHeatMap('.heat-theirs', theirs);
    this.drawTime(ours);
    this.drawSamples();
  }

  /** Show how the distances were measured. */
  drawHow() {
    const { cells, features, reference, note } = this.measured;
    const counts = cells.map((/** @type {import('./cells.js').Measurement} */ cell) => cell[5]);
    const n = [...new Set([Math.min(...counts), Math.max(...counts)])].join('–');
    write(this.$('.ours h3'), cells.length ? say('quality.ours_of', { n }) : say('quality.ours'));
    const how = cells.length ? sentences(sentence(features), sentence(reference)) : sentence(note);
    write(this.$('.ours .how'), how);
  }

  /**
   * @param {string} where
   * @param {Cells} cells
   * @param {Partial<import('./curves.js').CurvesOptions> & { yTitle: string, height?: number }} options
   */
  drawChart(where, cells, { height = 280, ...options }) {
    const plot = this.$(`${where} .plot`);
    const size = { width: Math.max(260, plot.clientWidth), height };
    const drawn = curvesChart(cells, { size, xTitle: say('quality.steps_axis'), ...options });
    write(plot, drawn ? chart(drawn).svg : '');
  }

  /** @param {string} where @param {Cells} cells */
  drawHeatMap(where, cells) {
    const box = this.$(`${where} .heat`);
    const etas = ETAS.filter((eta) => cells[eta]);
    if (!etas.length) return write(box, `<p class="how">${say('quality.nothing')}</p>`);
    box.style.gridTemplateColumns = `38px repeat(${etas.length}, minmax(0, 1fr))`;
    /** @param {string | number} html */
    const axis = (html) => `<span class="axis">${html}</span>`;
    const rows = heatRows(cells).map((row) => {
      return axis(row.S) + row.cells.map((cell) => (cell ? heatCell(cell) : '<span></span>')).join('');
    });
    write(box, [axis(math('S')), ...etas.map((eta) => axis(symbolOf(eta))), ...rows].join(''));
  }

  /** Show that the calls, not η, decide over the seconds. @param {Cells} cells */
  drawTime(cells) {
    const call = secondsPerCall(cells);
    const ms = (/** @type {number} */ seconds) => digits(1000 * seconds, 2);
    const expected = call && { at: (/** @type {number} */ S) => S * call.median, text: `${ms(call.median)} ms · S` };
    this.drawChart('.speed', cells, {
      yTitle: say('quality.seconds_axis'),
      y: ({ seconds }) => seconds,
      levels: expected ? [expected] : [],
      height: 240,
    });
    const values = call && { median: ms(call.median), least: ms(call.least), most: ms(call.most) };
    write(this.$('.speed .how'), values ? sayHtml('quality.time', { ...values, machine: this.measured.machine }) : '');
  }

  drawSamples() {
    const box = this.$('.samples');
    const { steps, pictures } = this.samples;
    box.hidden = !steps.length;
    if (box.hidden) return write(box, '');
    const narrow = innerWidth <= NARROW;
    const columns = narrow ? SAMPLED_ETAS.length : steps.length;
    const stepLabels = steps.map((S) => `<span>${narrow ? S : math(`S = ${S}`)}</span>`);
    const etaLabels = SAMPLED_ETAS.map((eta) => `<span>${symbolOf(eta)}</span>`);
    const [across, down] = narrow ? [etaLabels, stepLabels] : [stepLabels, etaLabels];
    const cells = [`<span>${narrow ? math('S') : ''}</span>`, ...across];
    down.forEach((label, row) => {
      const places = across.map((_, column) => (narrow ? [row, column] : [column, row]));
      cells.push(label, ...places.map(([s, e]) => sampleCell(steps[s], SAMPLED_ETAS[e], pictures)));
    });
    box.style.setProperty('--n', columns);
    write(box, cells.join(''));
    const column = (box.clientWidth - LABEL_COLUMN[narrow ? 'narrow' : 'wide']) / columns - 8;
    const inRow = Math.max(1, Math.min(pictures, Math.floor(column / SMALLEST_PICTURE)));
    const size = Math.min(LARGEST_PICTURE, Math.floor(column / inRow));
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

/**
 * The real pictures and the bias floor as lines of the chart, if they are of as many pictures as the cells.
 * @param {Record<string, any>} measured
 * @returns {import('./curves.js').Level[]}
 */
function levelsOf({ cells, real, floor }) {
  const counts = new Set(cells.map((/** @type {import('./cells.js').Measurement} */ cell) => cell[5]));
  const fits = (/** @type {{ pictures: number, distance: number } | null | undefined} */ level) =>
    level && level.distance > 0 && counts.has(level.pictures);
  const levels = [];
  if (fits(real)) levels.push({ at: () => real.distance, spread: real.standard_error, text: say('quality.real') });
  if (fits(floor)) levels.push({ at: () => floor.distance, text: say('quality.floor') });
  return levels;
}

/** @param {Cell & { best: boolean, alike: boolean, share: number }} cell */
function heatCell({ distance, spread, pictures, best, alike, share }) {
  const title = pictures ? say('quality.cell', { n: pictures, spread: digits(spread ?? NaN, 2) }) : '';
  const colour = `color-mix(in oklab, var(--noise) ${Math.round(DARKEST * share)}%, var(--bg))`;
  const marked = best || alike ? ` class="${best ? 'best' : 'alike'}"` : '';
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
    const what = say('quality.picture', { steps: S, noise: SERIES[eta].name, n: i + 1 });
    const label = say('stage.open', { what });
    return (
      `<button type="button" class="cell" data-open="${name}" aria-label="${label}">` +
      `<canvas data-name="${name}"></canvas></button>`
    );
  });
  return `<span class="cell">${buttons.join('')}</span>`;
}

customElements.define('explorer-quality', Quality);
