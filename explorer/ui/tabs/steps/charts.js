// The three charts under the pictures. Their axes depend on the settings alone, so they never jump while a run streams.
import { say, sayHtml } from '../../web/localize.js';
import { math } from '../../web/math.js';
import { digits, fixed } from '../../web/numbers.js';
import { chart, drawCursor } from '../../web/plot.js';
import { SIGMA, SIGMA_HAT } from '../../web/symbols.js';
import { numberOf } from './run.js';

/** @typedef {import('./run_pictures.js').PicturedRun} PicturedRun */
/** @typedef {import('../../web/chart.js').Line} Line */

export const CHARTS = ['alpha_bar', 'sigma', 'size'];
const MOST_DOTS = 60;
const SIGMA_TOPS = [0.2, 0.4, 0.6, 0.8, 1];
const SIZES = {
  x_prev: 'ink',
  term_x0: 'x0',
  term_direction: 'direction',
  term_noise: 'noise',
};
const SIZE_LINKS = {
  x_prev: 'x_prev',
  term_x0: 'x0',
  term_direction: 'direction',
  term_noise: 'noise',
};

export class RunCharts {
  /** What is drawn, by chart. @type {Record<string, import('../../web/chart.js').Chart>} */
  #drawn = {};

  /**
   * @param {import('../../web/dom.js').Part & { stage: HTMLElement }} host
   * @param {(t: number) => void} goTo the user pointed at a time
   */
  constructor(host, goTo) {
    this.host = host;
    this.goTo = goTo;
    this.holders = Object.fromEntries(CHARTS.map((name) => [name, host.$(`[data-chart="${name}"]`)]));
  }

  /** @param {PicturedRun | null} run */
  writeTitles(run) {
    const { alpha_bar, sigma, size } = this.holders,
      large = run?.settings.variance === 'large';
    const symbol = {
      html: `<span class="noise-colour">${math(large ? SIGMA_HAT : SIGMA)}</span>`,
    };
    this.host.$('.title', alpha_bar).innerHTML = sayHtml('chart.alpha_bar');
    this.host.$('.title', sigma).innerHTML = sayHtml('chart.sigma', { symbol });
    this.host.$('.title', size).textContent = say('chart.size');
  }

  /** @param {PicturedRun} run @param {string[]} names of the charts that have changed */
  draw(run, names) {
    const width = Math.max(200, this.holders.alpha_bar.clientWidth);
    const height = parseFloat(getComputedStyle(this.host.stage).getPropertyValue('--chart'));
    /** @type {[number, string | number, string][]} */
    const xTicks = [
      [run.T, `t = ${run.T}`, 'start'],
      [run.T / 2, run.T / 2, 'middle'],
      [0, '0', 'end'],
    ];
    const axis = {
      xRange: /** @type {[number, number]} */ ([run.T, 0]),
      xTicks,
      width,
      height,
    };
    for (const name of names) {
      const drawn = chart({ ...axis, ...OPTIONS[name](run) });
      this.#drawn[name] = drawn;
      this.host.$('.plot', this.holders[name]).innerHTML = drawn.svg;
      this.host.$('svg', this.holders[name]).onclick = (event) => {
        const box = event.currentTarget.getBoundingClientRect(),
          x = ((event.clientX - box.left) / box.width) * width;
        const left = drawn.X(run.T),
          right = drawn.X(0);
        this.goTo((run.T * (right - x)) / (right - left));
      };
    }
  }

  /** @param {PicturedRun} run @param {number} index */
  moveCursors(run, index) {
    const { alpha_bar: a, sigma, size } = this.#drawn,
      p = run.plan[index],
      row = run.rows[index];
    const path = `M${a.X(p.t)} ${a.Y(p.alpha_bar)}H${a.X(p.t_prev)}V${a.Y(p.alpha_bar_prev)}`;
    const jump = `<path d="${path}" fill="none" stroke="var(--ink)" stroke-width="2.25"/>`;
    const ends = [
      [p.t, p.alpha_bar, 'var(--ink)', 'alpha_bar'],
      [p.t_prev, p.alpha_bar_prev, 'var(--ink)', 'alpha_bar_prev'],
    ];
    drawCursor(this.holders.alpha_bar, a, p.t, /** @type {any} */ (ends), jump);
    drawCursor(this.holders.sigma, sigma, p.t, [[p.t, p.sigma, 'var(--noise)', 'sigma noise']]);
    const marks = Object.entries(SIZES).map(([name, colour]) => [
      p.t,
      numberOf(row, name),
      `var(--${colour})`,
      SIZE_LINKS[name],
    ]);
    drawCursor(this.holders.size, size, p.t, /** @type {any} */ (marks));
  }

  /** What stands at the right of the titles, and what is said of the charts. @param {PicturedRun} run @param {number} index */
  writeValues(run, index) {
    const { $ } = this.host,
      { alpha_bar, sigma, size } = this.holders,
      p = run.plan[index];
    const rms = (name) => fixed(numberOf(run.rows[index], `term_${name}`), 2);
    const jump = { now: p.t, next: p.t_prev },
      from = digits(p.alpha_bar),
      to = digits(p.alpha_bar_prev);
    const coloured = ['x0', 'direction', 'noise'].map(
      (name) => `<span class="${name}-colour" data-link="${name}">${rms(name)}</span>`,
    );
    $('.value', alpha_bar).textContent = `${from} → ${to}`;
    $('.value', sigma).textContent = fixed(p.sigma, 3);
    $('.value', sigma).className = 'value noise-colour';
    $('.value', size).innerHTML = coloured.join(' ');
    $('.plot', alpha_bar).ariaLabel = say('chart.alpha_bar_aloud', {
      ...jump,
      from,
      to,
    });
    $('.plot', sigma).ariaLabel = say('chart.sigma_aloud', {
      ...jump,
      value: fixed(p.sigma, 3),
    });
    const sizes = {
      predicted: rms('x0'),
      direction: rms('direction'),
      noise: rms('noise'),
    };
    $('.plot', size).ariaLabel = say('chart.size_aloud', { ...jump, ...sizes });
  }
}

/** What is special to each chart. @type {Record<string, (run: PicturedRun) => any>} */
const OPTIONS = {
  alpha_bar({ curve, plan }) {
    const every = Math.ceil(plan.length / MOST_DOTS),
      link = 'alpha_bar alpha_bar_prev';
    return {
      yRange: [0, 1],
      yTicks: [0, 0.5, 1],
      lines: [
        {
          points: curve,
          colour: 'var(--ref)',
          width: 1.5,
          name: say('chart.dots'),
          link,
        },
      ],
      dots: plan.filter((_, i) => i % every === 0).map((p) => [p.t, p.alpha_bar]),
    };
  },
  sigma(run) {
    const most = Math.max(...run.plan.map((p) => Math.max(p.sigma1, p.sigmaHat, p.sigma)));
    const top = SIGMA_TOPS.find((v) => v >= most) || 1;
    return {
      yRange: [0, top],
      yTicks: [0, top / 2, top],
      lines: sigmaLines(run, top),
    };
  },
  size({ plan, rows }) {
    const rms = (name) => rows.map((row, i) => [plan[i].t, numberOf(row, name)]);
    return {
      yRange: [0, 1.2],
      yTicks: [0, 0.5, 1],
      lines: [
        {
          points: rms('x_prev'),
          colour: 'var(--ref)',
          width: 1.5,
          name: say('chart.next_state'),
          link: 'x_prev',
        },
        {
          points: rms('term_x0'),
          colour: 'var(--x0)',
          name: say('chart.predicted'),
          link: 'x0',
        },
        {
          points: rms('term_direction'),
          colour: 'var(--direction)',
          name: say('chart.direction'),
          link: 'direction',
        },
        {
          points: rms('term_noise'),
          colour: 'var(--noise)',
          name: say('chart.noise'),
          link: 'noise',
        },
      ],
    };
  },
};

/** σ of this run, between those of η = 1 and of DDPM's larger variance. @param {PicturedRun} run @param {number} top */
function sigmaLines({ plan, settings }, top) {
  const large = settings.variance === 'large';
  const at = Math.min(plan.length - 1, Math.round(plan.length * 0.12)),
    hatAt = Math.round((plan.length - 1) * 0.78);
  const p = plan[at],
    q = plan[hatAt];
  const hatIsFree = (q.sigmaHat - q.sigma1) / top > 0.04 && !large,
    oneIsFree = settings.eta < 0.85 || large;
  const hat = '<tspan class="symbol">σ</tspan><tspan class="hat" dx="-7">ˆ</tspan>';
  const points = (name) => plan.map((step) => [step.t, step[name]]);
  return [
    {
      points: points('sigmaHat'),
      colour: 'var(--ref)',
      width: 1.25,
      dash: '2 3',
      label: hatIsFree ? { at: [q.t, q.sigmaHat], dy: -6, text: hat } : null,
    },
    {
      points: points('sigma1'),
      colour: 'var(--ref)',
      width: 1.25,
      label: oneIsFree
        ? {
            at: [p.t, large ? p.sigma1 : Math.max(p.sigma1, p.sigmaHat)],
            dy: large ? 24 : -8,
            text: '<tspan class="symbol">η</tspan> = 1',
          }
        : null,
    },
    {
      points: points('sigma'),
      colour: 'var(--noise)',
      link: 'sigma noise',
      name: say('chart.this_run', {
        setting: large ? 'σ̂' : `η = ${digits(settings.eta, 3)}`,
      }),
    },
  ];
}
