// "Pin as A": the final picture of a run stays, and the next run's, B, stands beside it with their difference. Shares the
// player's scope.
const MOST = .5;   // |A - B| at the end of the scale, of a range of 2
const PINNED = ['checkpoint', 'seed', 'eta', 'steps', 'spacing', 'variance', 'noise_seed', 'clip'];
const pinned = name => $(`[data-pin="${name}"]`);
const picture = { a: null, b: null };   // { settings, image } of each: the pixels as the screen has them

function finalPicture() {   // of the run on the screen; null while it goes on
  const last = run?.plan.length - 1, frame = run?.state === 'ended' && run.sheet && run.frame(last);   // a preview is not exact
  if (!frame) return null;
  const context = Object.assign(document.createElement('canvas'), { width: run.width, height: run.height }).getContext('2d');
  context.drawImage(frame.image, frame.x + 4 * run.width, frame.y, run.width, run.height, 0, 0, run.width, run.height);
  return { id: run.id, settings: run.settings, image: context.getImageData(0, 0, run.width, run.height) };
}

function togglePin() {
  picture.a = picture.a ? null : finalPicture();
  picture.b = null;
  drawPin();
}

// |a - b| in units of [-1, 1]: the mean over channels as a picture in one hue, and mean and rms over all values.
function differenceOf(a, b) {
  const out = new ImageData(a.width, a.height), [from, to] = ['--zero', '--noise'].map(name => rgb(getComputedStyle(stage).getPropertyValue(name)).match(/\w\w/g).map(v => parseInt(v, 16)));
  let sum = 0, squares = 0;
  for (let i = 0; i < a.data.length; i += 4) {
    let here = 0;
    for (let c = 0; c < 3; c++) { const d = Math.abs(a.data[i + c] - b.data[i + c]) / 127.5; here += d / 3; squares += d * d; }
    sum += here;
    const level = Math.min(1, here / MOST);
    out.data.set([...from.map((v, c) => Math.round(v + (to[c] - v) * level)), 255], i);
  }
  const n = a.width * a.height;
  return { image: out, mean: sum / n, rms: Math.sqrt(squares / n / 3) };
}

function put(name, image) {
  const canvas = $('canvas', pinned(name));
  [canvas.width, canvas.height] = [image?.width ?? 1, image?.height ?? 1];
  if (image) canvas.getContext('2d').putImageData(image, 0, 0);
  canvas.classList.toggle('blank', !image);
}
const named = ({ settings: s }) => `${math('<i>S</i>')} ${s.steps} · ${s.variance === 'large' ? math('<span class="hat"><i>σ</i></span>') : `${math('<i>η</i>')} ${digits(s.eta, 3)}`} · ${escapeText(say(`choice.${s.spacing}`))} · ${escapeText(say('controls.seed_short'))} ${escapeText(s.seed)}`;
const escapeText = text => new Option(text).innerHTML;
const spokenName = { checkpoint: 'controls.checkpoint', seed: 'controls.seed', eta: 'symbol.eta', steps: 'symbol.S', spacing: 'controls.spacing', variance: 'controls.variance', noise_seed: 'controls.noise_seed', clip: 'controls.clip' };

let pinDrawn = '';
function drawPin() {
  const state = [picture.a?.id, run?.id, run?.state, Boolean(coming), spoken.language, document.body.className, run?.sheet ? 1 : 0].join();
  if (state === pinDrawn) return;   // another step of the same run
  pinDrawn = state;
  const { a } = picture, button = $('.pin');
  button.textContent = say(a ? 'pin.unpin' : 'pin.pin');
  button.setAttribute('aria-pressed', String(Boolean(a)));
  button.disabled = !a && run?.state !== 'ended';
  $('.pinned').hidden = !a;
  if (!a) return;
  if (run?.state === 'ended' && picture.b?.id !== run.id) picture.b = finalPicture();
  const b = run?.state === 'ended' && !coming ? picture.b : null, alike = b && a.image.width === b.image.width && a.image.height === b.image.height;
  const changed = b ? PINNED.filter(name => a.settings[name] !== b.settings[name]) : [];
  put('a', a.image);
  $('p', pinned('a')).innerHTML = named(a);
  if (!b) { $('.changed').textContent = say('pin.waiting'); return; }   // the B before stays until then
  put('b', b.image);
  $('p', pinned('b')).innerHTML = named(b);
  const difference = alike ? differenceOf(a.image, b.image) : null;
  put('difference', difference?.image);
  $('.most').textContent = `≥ ${MOST}`;
  $('.changed').textContent = changed.length ? say('pin.changed', { names: changed.map(name => say(spokenName[name])).join(', ') }) : say('pin.same');
  $('.mean').textContent = !alike ? say('pin.size') : `${say('pin.mean', { mean: fixed(difference.mean, 4), rms: fixed(difference.rms, 4) })}, ${say('pin.range')}`;
}
$('.status .actions').prepend($('.pin'));
$('.pin').addEventListener('click', togglePin);
speak($('.pinned'), drawPin);
