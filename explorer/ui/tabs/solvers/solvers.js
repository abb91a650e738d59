// The solvers: names, and how they are drawn. No DOM.

/**
 * @typedef {object} SolverStyle
 * @property {string} name
 * @property {string} short for charts
 * @property {string} colour set in tab.css for both themes
 * @property {import('../../web/chart_marks.js').Marker} marker tells the lines apart without colours
 */

/** By their names in the API, in the order of the rows. @type {Record<string, SolverStyle>} */
export const SOLVERS = {
  ddim: { name: 'DDIM', short: 'DDIM', colour: 'var(--ink)', marker: 'circle' },
  heun: {
    name: 'Heun',
    short: 'Heun',
    colour: 'var(--solver-heun)',
    marker: 'square',
  },
  'dpm-solver-2': {
    name: 'DPM-Solver-2',
    short: 'DPM-2',
    colour: 'var(--solver-dpm)',
    marker: 'triangle',
  },
  'dpm-solver++-2m': {
    name: 'DPM-Solver++(2M)',
    short: '2M',
    colour: 'var(--solver-2m)',
    marker: 'diamond',
  },
  plms: {
    name: 'PLMS',
    short: 'PLMS',
    colour: 'var(--solver-plms)',
    marker: 'cross',
  },
  rk4: {
    name: 'RK4',
    short: 'RK4',
    colour: 'var(--solver-rk4)',
    marker: 'inverted',
  },
  mine: { name: '', short: 'mine', colour: 'var(--noise)', marker: 'circle' }, // the user's own step, if there is one
};

/** @typedef {{ steps: number, calls: number, first_jump: number, order: number | null }} Plan what N calls give a solver; the order of the user's own step is unknown */
/** @typedef {import('../../web/custom_step.js').CustomStatus & { error: number | null, difference: number | null, sweep: Errors[''], exact: Errors[''] }} Custom */
/** @typedef {[calls: number, error: number]} ErrorPoint */
/** @typedef {Record<string, { points: ErrorPoint[], slope: number | null }>} Errors by solver */
