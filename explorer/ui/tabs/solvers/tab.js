// The Solvers tab: a film strip for each solver, the error over the number of network calls, and the measured table.
import { customText, customTitle } from '../../web/custom_step.js';
import { Film } from '../../web/film.js';
import { say, sayHtml, sentence, sentences } from '../../web/localize.js';
import { digits, fixed, indexOfNearest } from '../../web/numbers.js';
import { setView } from '../../web/page_state.js';
import { chart, write } from '../../web/plot.js';
import { Stage } from '../../web/stage.js';
import { marker } from '../../web/chart_marks.js';
import { errorChart } from './error_chart.js';
import { measuredTable } from './measured_table.js';
import { readingsOf } from './readings.js';
import { SOLVERS } from './solvers.js';
import { worseThanDdim } from './worse.js';

/** @typedef {import('./solvers.js').Errors} Errors */

const HEIGHT = 300; // px, of a chart

/** An error over the range of a picture. @param {number} error */
const percent = (error) => `${digits(100 * error, 2)} %`;

/** The mark of a solver in the charts. @param {string} solver */
function markOf(solver) {
  const { marker: kind, colour } = SOLVERS[solver];
  return `<svg class="mark" width="12" height="12" aria-hidden="true">${marker(kind, 6, 6, colour)}</svg>`;
}

class Solvers extends Stage {
  static formulas = [
    '\\frac{d\\bar x}{ds} = \\varepsilon_\\theta^{(t)}(x_t),\\quad \\bar x = \\frac{x}{\\sqrt{\\ab{}}},\\; s = \\sqrt{\\frac{1-\\ab{}}{\\ab{}}}',
    '\\bar x_{t-1} = \\bar x_t + (s_{t-1} - s_t)\\,\\bar\\varepsilon',
  ];

  /** @type {Film} */
  film;
  /** @type {Record<string, import('./solvers.js').Plan>} */
  plans = {};
  /** The columns: network calls, and "end". @type {(number | 'end')[]} */
  columns = [];
  /** @type {{ errors: Record<string, number>, dpm_solver_1: number | null }} */
  facts = { errors: {}, dpm_solver_1: null };
  /** @type {Errors} */
  sweep = {};
  /** @type {Errors} */
  exact = {};
  /** The user's own step; null without one. @type {import('./solvers.js').Custom | null} */
  custom = null;
  reference = { solver: '', steps: 0, spacing: '' };
  ofExact = { from: 0, to: 0, points: 0 };
  /** @type {import('./measured_table.js').Measured} */
  measured = { cells: [] };
  /** The network calls at the scrubber, as the user has chosen; null for the end. @type {number | null} */
  spent = null;

  prepare() {
    this.film = new Film(this, {
      onMove: (k) => {
        const at = this.columns[k];
        this.spent = at === 'end' ? null : at;
        setView({ spent: this.spent });
      },
    });
  }

  /** @param {URLSearchParams} query */
  look(query) {
    const spent = Number(query.get('spent'));
    this.spent = spent > 0 ? spent : null;
  }

  receive() {
    const { value } = this;
    this.plans = JSON.parse(value.plans);
    this.columns = [...JSON.parse(value.columns), 'end'];
    this.facts = JSON.parse(value.facts);
    this.sweep = JSON.parse(value.sweep);
    this.exact = JSON.parse(value.exact);
    this.reference = JSON.parse(value.reference);
    this.ofExact = JSON.parse(value.of_exact);
    this.measured = JSON.parse(value.measured);
    this.takeCustom(JSON.parse(value.custom));
    const numbers = this.columns.filter((column) => column !== 'end');
    this.film.at = this.spent === null ? numbers.length : indexOfNearest(numbers, this.spent);
  }

  /** Add the user's own step as a solver that takes DDIM's steps. @param {import('./solvers.js').Custom | null} custom */
  takeCustom(custom) {
    this.custom = custom;
    if (!custom) return;
    this.plans.mine = { ...this.plans.ddim, order: null };
    if (custom.error !== null) this.facts.errors.mine = custom.error;
    this.sweep.mine = custom.sweep;
    this.exact.mine = custom.exact;
  }

  /** The name of a solver, as HTML. @param {string} solver */
  nameOf(solver) {
    return solver === 'mine' && this.custom ? customTitle(this.custom) : SOLVERS[solver].name;
  }

  readings() {
    const { plans, exact, reference } = this;
    const { errors, dpm_solver_1: difference } = this.facts;
    return readingsOf({
      plans,
      errors,
      difference,
      exact,
      calls: this.value.settings.calls,
      reference,
    });
  }

  draw() {
    const { calls } = this.value.settings;
    const at = this.columns[this.film.at];
    write(this.$('.same'), sayHtml('solvers.same', { calls }));
    write(this.$('.of-fine'), sayHtml('solvers.fine', { steps: this.value.T }));
    write(this.$('.what'), at === 'end' ? sayHtml('solvers.end') : sayHtml('solvers.after', { calls: at }));
    const lanes = Object.keys(this.plans).map((name) => ({
      name,
      title: `${markOf(name)}${this.nameOf(name)}`,
      text: this.textOf(name),
      extra: this.extraOf(name),
    }));
    const label = (/** @type {number} */ k) => {
      const column = this.columns[k];
      return column === 'end' ? say('solvers.end_aloud') : say('solvers.after_aloud', { calls: column });
    };
    this.film.draw(
      lanes,
      this.columns.map((column) => (column === 'end' ? say('solvers.end_short') : column)),
      ({ name }, k) => this.pictureOf(name, k),
      label,
    );
    this.closeOthers(label(this.film.at));
    this.drawChart('.network', this.sweep, say('solvers.error_axis'));
    this.drawChart('.exact', this.exact, say('solvers.distance_axis'));
    const { solver, steps, spacing } = this.reference;
    const key = spacing === 'log-snr' ? 'solvers.reference_even' : 'solvers.reference';
    write(this.$('.network .how'), sayHtml(key, { solver: SOLVERS[solver].name, steps }));
    write(this.$('.exact .how'), sayHtml('solvers.of_mixture', this.ofExact));
    this.drawOrders();
    write(
      this.$('.findings ul'),
      this.findings()
        .map((text) => `<li>${text}</li>`)
        .join(''),
    );
    this.drawMeasured();
  }

  /** @param {string} solver @param {number} k the column */
  pictureOf(solver, k) {
    return `${solver}/${this.columns[k] === 'end' ? 'end' : k}`;
  }

  /** Steps can run DDIM only, so the other rows' pictures do not open it. @param {string} label of the column */
  closeOthers(label) {
    for (const button of this.$$('.lane .now')) {
      const { open } = button.dataset;
      button.disabled = open !== 'ddim';
      if (button.disabled)
        button.setAttribute(
          'aria-label',
          `${this.custom && open === 'mine' ? this.custom.name : SOLVERS[open].name}, ${label}`,
        );
    }
  }

  /** @param {string} solver */
  textOf(solver) {
    if (solver === 'mine' && this.custom) return customText(this.custom, this.custom.difference);
    const { order } = this.plans[solver];
    return `${sayHtml(`solvers.about.${solver.replace(/\W+/g, '_')}`)} ${sayHtml('solvers.order', { order })}`;
  }

  /** @param {string} solver */
  extraOf(solver) {
    const { steps, calls, first_jump } = this.plans[solver];
    const error = this.facts.errors[solver];
    const numbers = [
      [sayHtml('solvers.steps'), steps],
      [say('solvers.calls_made'), calls],
      [sayHtml('solvers.first_jump'), `${fixed(100 * first_jump, 0)} %`],
      [say('solvers.error'), error === undefined ? '…' : percent(error)],
    ];
    return `<div class="facts">${numbers.map(([term, n]) => `<span>${term}</span><b>${n}</b>`).join('')}</div>`;
  }

  /** @param {string} where @param {Errors} errors @param {string} yTitle */
  drawChart(where, errors, yTitle) {
    const plot = this.$(`${where} .plot`);
    const size = { width: Math.max(260, plot.clientWidth), height: HEIGHT };
    const options = errorChart(errors, {
      size,
      xTitle: say('solvers.calls_axis'),
      yTitle,
    });
    write(plot, options ? chart(options).svg : '');
  }

  drawOrders() {
    const slopeOf = (/** @type {Errors} */ errors, /** @type {string} */ solver) => {
      const slope = errors[solver]?.slope;
      return slope === null || slope === undefined ? '…' : fixed(slope, 2);
    };
    const head = ['solvers.solver', 'solvers.theory', 'solvers.slope_exact', 'solvers.slope_network'];
    const rows = Object.keys(this.plans).map((solver) => {
      const cells = [this.plans[solver].order ?? '–', slopeOf(this.exact, solver), slopeOf(this.sweep, solver)];
      const name = `<th scope="row">${markOf(solver)}${this.nameOf(solver)}</th>`;
      return `<tr>${name}${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>`;
    });
    const titles = head.map((key) => `<th scope="col">${say(key, this.ofExact)}</th>`).join('');
    write(this.$('.orders table'), `<thead><tr>${titles}</tr></thead><tbody>${rows.join('')}</tbody>`);
  }

  /** What this run shows, as HTML. @returns {string[]} */
  findings() {
    const { dpm_solver_1: difference } = this.facts;
    const found = [];
    if (difference !== null) found.push(sayHtml('solvers.same_step', { difference: digits(difference, 2) }));
    const worse = worseThanDdim(this.sweep);
    for (const { solver, calls } of worse) {
      found.push(sayHtml('solvers.worse', { solver: SOLVERS[solver].name, calls }));
    }
    const measured = Object.keys(this.sweep).length > 0;
    if (measured && !worse.length) found.push(sayHtml('solvers.never_worse'));
    if (worse.length) {
      const { heun, ddim } = this.plans;
      const jump = (/** @type {import('./solvers.js').Plan} */ plan) => `${fixed(100 * plan.first_jump, 0)} %`;
      found.push(
        sayHtml('solvers.why_jump', {
          heun: jump(heun),
          ddim: jump(ddim),
          steps: heun.steps,
        }),
      );
    }
    if (this.value.settings.clip) found.push(sayHtml('solvers.why_clip'));
    if (measured) found.push(sayHtml('solvers.why_slope'));
    return found;
  }

  drawMeasured() {
    const { measured } = this;
    const table = measuredTable(measured, (solver) => `${markOf(solver)}<br>${SOLVERS[solver].short}`);
    write(this.$('.measured table'), table);
    if (!measured.cells.length) return write(this.$('.measured .how'), sentence(measured.note ?? ''));
    const { pictures, reference, ddim_distance, features } = measured;
    const [solver, steps] = String(reference).split(/, S = |, /);
    const how = sayHtml('solvers.how_measured', {
      pictures,
      solver: SOLVERS[solver]?.name ?? solver,
      steps,
      T: this.value.T,
      error: percent(Number(ddim_distance)),
    });
    write(this.$('.measured .how'), features ? `${how} ${sentences(sentence(features))}` : how);
  }

  openInSteps(button) {
    if (button.dataset.open !== 'ddim') return null;
    return { eta: 0, steps: this.plans.ddim.steps };
  }
}

customElements.define('explorer-solvers', Solvers);
