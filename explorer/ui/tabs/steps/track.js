// The scrubber: a track linear in t with a tick at every t of τ, and thumbnails of the predicted x_0 above it.
import { say } from '../../web/localize.js';

/** @typedef {import('./run_pictures.js').PicturedRun} PicturedRun */

const MOST_TICKS = 120;
const THUMB = 40,
  GAP = 3,
  FILM_HEIGHT = 44;
const Y = 10; // of the track
const NARROW = 480; // px

export class Track {
  /** Which step's thumbnail stands where; null until they are laid out. @type {{ i: number, x: number }[] | null} */
  #slots = null;

  /** @param {import('../../web/dom.js').Part} host */
  constructor(host) {
    this.host = host;
    this.ticks = host.$('.ticks');
    this.time = host.$('.time');
    this.film = host.$('.film');
  }

  /** Lay the thumbnails out anew. */
  forget() {
    this.#slots = null;
  }

  /** @param {PicturedRun} run @param {number} index */
  draw(run, index) {
    const { T, plan } = run,
      p = plan[index],
      { time } = this;
    this.ticks.innerHTML = trackOf(run, index, this.ticks.clientWidth);
    if (+time.max !== T) time.max = T;
    if (document.activeElement !== time || +time.value !== T - p.t) time.value = T - p.t;
    const place = { n: index + 1, of: plan.length };
    time.setAttribute('aria-valuetext', say('player.at', { value: p.t, next: p.t_prev, ...place }));
    this.host.$('.count').textContent = say('figures.place', place);
  }

  /** Thumbnails at their ticks; those that would overlap are dropped. @param {PicturedRun} run @param {number} width */
  #layOut(run, width) {
    /** @type {{ i: number, x: number }[]} */
    const slots = [];
    for (const i of run.kept) {
      const x = Math.round(((run.T - run.plan[i].t) / run.T) * width),
        last = slots.at(-1);
      if (x + THUMB <= width + 4 && (!last || x - last.x >= THUMB + GAP)) slots.push({ i, x });
    }
    return slots;
  }

  /** @param {PicturedRun} run @param {number} index @param {boolean} all whether the run is another one */
  drawFilm(run, index, all) {
    const { film } = this,
      width = film.clientWidth,
      ratio = (devicePixelRatio || 1) * (film.currentCSSZoom ?? 1);
    if (!width) return;
    if (all || !this.#slots) this.#slots = this.#layOut(run, width);
    const context = film.getContext('2d'),
      css = getComputedStyle(document.body),
      have = new Set(run.shown);
    if (film.width !== Math.round(width * ratio)) {
      [film.width, film.height] = [Math.round(width * ratio), Math.round(FILM_HEIGHT * ratio)];
    }
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, FILM_HEIGHT);
    context.fillStyle = css.getPropertyValue('--fill');
    const scale = THUMB / Math.max(run.width, run.height),
      [w, h] = [run.width * scale, run.height * scale];
    let here = this.#slots[0];
    for (const slot of this.#slots) {
      const frame = have.has(slot.i) ? run.frame(slot.i) : null,
        x = slot.x + (THUMB - w) / 2,
        y = 2 + (THUMB - h) / 2;
      if (frame) context.drawImage(frame.image, frame.x + run.width, frame.y, run.width, run.height, x, y, w, h);
      else context.fillRect(slot.x, 2, THUMB, THUMB);
      if (slot.i <= index) here = slot;
    }
    if (!here) return;
    context.strokeStyle = css.getPropertyValue('--x0');
    context.lineWidth = 2.5;
    context.strokeRect(here.x, 2, THUMB, THUMB);
  }
}

/** The track as SVG. @param {import('./run.js').Run} run @param {number} index @param {number} width */
function trackOf({ T, plan, rows }, index, width) {
  const X = (t) => ((T - t) / T) * width,
    p = plan[index];
  const reached = X(plan[rows.length - 1].t_prev),
    every = Math.ceil(plan.length / MOST_TICKS);
  const bar = (to, colour, w) =>
    `<path d="M0 ${Y}H${to}" stroke="${colour}" stroke-width="${w}" stroke-linecap="round"/>`;
  const tick = (x, colour) => `<path d="M${x} ${Y + 6}v6" stroke="${colour}" stroke-width="1.25"/>`;
  const label = (x, anchor, text, name = '') =>
    `<text${name} x="${x}" y="${Y + 27}" text-anchor="${anchor}">${text}</text>`;
  const parts = [bar(width, 'var(--line)', 1.5), bar(reached, 'var(--line)', 4), bar(X(p.t), 'var(--ref)', 4)];
  parts.push(`<path d="M${X(p.t)} ${Y}H${Math.max(X(p.t_prev), X(p.t) + 1)}" stroke="var(--ink)" stroke-width="4"/>`);
  plan.forEach((q, i) => {
    if (i % every === 0 || i === index) parts.push(tick(X(q.t).toFixed(1), i === index ? 'var(--ink)' : 'var(--ref)'));
  });
  parts.push(tick(width, 'var(--ref)'));
  const at = Math.max(24, Math.min(width - 34, X(p.t)));
  for (const share of width > NARROW ? [1, 0.8, 0.6, 0.4, 0.2, 0] : [1, 0.5, 0]) {
    const t = Math.round(T * share),
      anchor = { 1: 'start', 0: 'end' }[share] ?? 'middle';
    if (Math.abs(X(t) - at) > 58) parts.push(label(X(t), anchor, t));
  }
  parts.push(
    `<circle class="knob" cx="${X(p.t)}" cy="${Y}" r="8.5" fill="var(--bg)" stroke="var(--ink)" stroke-width="2.5"/>`,
  );
  parts.push(label(at, 'middle', `t = ${p.t}`, ' class="now"'));
  return parts.join('');
}
