// The Consistency stage: two grids of latents by S, the similarity under every picture, and its mean over S.
let latents = [], lengths = [], similarity = {}, built = '';
const NAMES = { 0: `DDIM ${math('<i>η</i> = 0')}`, 1: `DDPM <span class="noise-colour">${math('<i>η</i> = 1')}</span>` };
const LINES = { 0: ['DDIM, η = 0', 'var(--ink)'], 1: ['DDPM, η = 1', 'var(--noise)'] };

function receive() {
  latents = JSON.parse(value.latents);
  lengths = JSON.parse(value.lengths);
  similarity = JSON.parse(value.similarity);
}

function build() {
  const key = JSON.stringify([latents, lengths]);
  if (key === built) return;
  built = key;
  for (const grid of $$('.grid')) {
    const eta = grid.dataset.eta;
    grid.style.setProperty('--n', lengths.length);
    const cells = [`<h3>${NAMES[eta]}</h3>`, `<span class="top x_T">${math('<i>x<sub>T</sub></i>')}</span>`, ...lengths.map((S, k) => `<span class="top">${k ? S : `${math('<i>S</i>')} = ${S}`}</span>`)];
    latents.forEach((latent, row) => {
      cells.push(`<div class="seed"><canvas data-name="x_T/${row}" role="img"></canvas><span></span></div>`);
      lengths.forEach((S, k) => cells.push(`<button type="button" class="cell" data-open="${eta}/${S}/${row}" data-column="${k}"><canvas data-name="${eta}/${S}/${row}"></canvas><span></span></button>`));
    });
    grid.innerHTML = cells.join('');
    $$('.seed span', grid).forEach((span, row) => { span.textContent = span.title = latents[row]; });
  }
}

function draw() {
  build();
  const beside = innerWidth > 700, room = $('.grids').clientWidth - 48 - (beside ? 16 : 0);
  const whole = Math.floor(room / lengths.length / (beside ? 2 : 1)) - 4, size = whole >= 128 ? 128 : whole >= 64 ? 64 : whole;
  for (const grid of $$('.grid')) {
    grid.style.setProperty('--p', `${size}px`);
    const { columns, reference } = similarity[grid.dataset.eta];
    $$('.seed canvas', grid).forEach((canvas, row) => {
      paint(canvas, canvas.dataset.name, 44);
      canvas.ariaLabel = say('consistency.latent', { latent: latents[row] });
    });
    for (const cell of $$('.cell', grid)) {
      const [, S, row] = cell.dataset.open.split('/'), number = columns[cell.dataset.column]?.[row], canvas = cell.firstChild;
      paint(canvas, canvas.dataset.name, size);
      const text = number === undefined ? '–' : +S === reference ? '1' : fixed(number, 3);
      if (cell.lastChild.textContent !== text) cell.lastChild.textContent = text;
      cell.setAttribute('aria-label', say('stage.open', { what: say('consistency.cell', { latent: latents[row], steps: S, similarity: text }) }));
    }
  }
  drawChart();
}

function drawChart() {
  const mean = column => column.reduce((a, b) => a + b, 0) / column.length, last = lengths.at(-1);
  const references = [0, 1].map(eta => similarity[eta].reference), reference = references[0] ?? last;
  const several = latents.length > 1, heading = reference !== last ? several ? 'consistency.waiting_several' : 'consistency.waiting' : several ? 'consistency.similarity_several' : 'consistency.similarity';
  write($('.similarity h3'), `${sayHtml(heading, { reference, last, latents: latents.length })} <span class="more">· ${say(`consistency.mean_of_${value.mean_of}`)}</span>`);
  const width = Math.max(260, $('.plot').clientWidth), [low, high] = [Math.log(lengths[0]), Math.log(last)];
  const lines = [0, 1].map(eta => {
    const points = similarity[eta].columns.map((column, k) => column && [Math.log(lengths[k]), mean(column)]).filter(Boolean);
    const at = points.at(lengths.length > 2 ? -2 : -1);
    return { points, colour: LINES[eta][1], label: at && points.length > 1 ? { at, dy: at[1] < .3 ? -10 : 18, text: LINES[eta][0] } : null };
  });
  const { svg } = chart({ width, height: 168, xRange: [low, high], yRange: [-.1, 1.02], yTicks: [0, .5, 1], xTicks: lengths.map((S, k) => [Math.log(S), k ? S : `S = ${S}`, k === 0 ? 'start' : k === lengths.length - 1 ? 'end' : 'middle']), lines,
    dots: lines.flatMap(line => line.points) });
  write($('.plot'), svg);
}

function opening(button) {
  const [eta, S, row] = button.dataset.open.split('/');
  return { seed: latents[row], steps: +S, eta: +eta, noise_seed: value.settings.noise_seed + +row };
}
function toggleSettings() {}
begin();
