// The scrubber: a track linear in t with a tick at every t of tau, and thumbnails. Shares the player's scope.
function drawTrack() {
  const width = ticks.clientWidth, T = run.T, y = 10, X = t => (T - t) / T * width, p = run.plan[index];
  const reached = X(run.plan[run.rows.length - 1].t_prev), every = Math.ceil(run.plan.length / 120);
  const bar = (a, b, colour, w) => `<path d="M${a} ${y}H${b}" stroke="${colour}" stroke-width="${w}" stroke-linecap="round"/>`;
  let s = bar(0, width, 'var(--line)', 1.5) + bar(0, reached, 'var(--line)', 4) + bar(0, X(p.t), 'var(--ref)', 4)
    + `<path d="M${X(p.t)} ${y}H${Math.max(X(p.t_prev), X(p.t) + 1)}" stroke="var(--ink)" stroke-width="4"/>`;
  run.plan.forEach((q, i) => { if (i % every === 0 || i === index) s += `<path d="M${X(q.t).toFixed(1)} ${y + 6}v6" stroke="${i === index ? 'var(--ink)' : 'var(--ref)'}" stroke-width="1.25"/>`; });
  s += `<path d="M${width} ${y + 6}v6" stroke="var(--ref)" stroke-width="1.25"/>`;
  const at = Math.max(24, Math.min(width - 34, X(p.t)));
  for (const share of innerWidth > 700 ? [1, .8, .6, .4, .2, 0] : [1, .5, 0]) {
    const t = Math.round(T * share);
    if (Math.abs(X(t) - at) > 58) s += `<text x="${X(t)}" y="${y + 27}" text-anchor="${share === 1 ? 'start' : share === 0 ? 'end' : 'middle'}">${t}</text>`;
  }
  s += `<circle class="knob" cx="${X(p.t)}" cy="${y}" r="8.5" fill="var(--bg)" stroke="var(--ink)" stroke-width="2.5"/><text class="now" x="${at}" y="${y + 27}" text-anchor="middle">t = ${p.t}</text>`;
  ticks.innerHTML = s;
  if (+time.max !== T) time.max = T;
  if (document.activeElement !== time || +time.value !== T - p.t) time.value = T - p.t;
  time.setAttribute('aria-valuetext', say('player.at', { value: p.t, next: p.t_prev, n: index + 1, of: run.plan.length }));
  $('.count').textContent = say('figures.place', { n: index + 1, of: run.plan.length });
}

// Thumbnails of predicted x_0 at their ticks; those that would overlap are dropped. The strip itself is drawn once per change.
function drawFilm(all) {
  const size = 40, width = film.clientWidth, ratio = (devicePixelRatio || 1) * (film.currentCSSZoom ?? 1);
  if (!width) return;
  const context = film.getContext('2d'), X = t => (run.T - t) / run.T * width;
  if (all || !slots) {
    slots = [];
    for (const i of run.kept) {
      const x = Math.round(X(run.plan[i].t));
      if (x + size <= width + 4 && (!slots.length || x - slots.at(-1).x >= size + 3)) slots.push({ i, x });
    }
  }
  const have = new Set(run.shown);
  if (film.width !== Math.round(width * ratio)) [film.width, film.height] = [Math.round(width * ratio), Math.round(44 * ratio)];
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, 44);
  const css = getComputedStyle(document.body);
  let here = slots[0];
  for (const slot of slots) {
    const frame = have.has(slot.i) ? run.frame(slot.i) : null;
    context.fillStyle = css.getPropertyValue('--fill');
    const scale = size / Math.max(run.width, run.height), [w, h] = [run.width * scale, run.height * scale];
    if (frame) context.drawImage(frame.image, frame.x + run.width, frame.y, run.width, run.height, slot.x + (size - w) / 2, 2 + (size - h) / 2, w, h);
    else context.fillRect(slot.x, 2, size, size);
    if (slot.i <= index) here = slot;
  }
  if (here) { context.strokeStyle = css.getPropertyValue('--x0'); context.lineWidth = 2.5; context.strokeRect(here.x, 2, size, size); }
}
