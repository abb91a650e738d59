// The status row of a run.
import { byEngine, describeOrigin, describeTimings } from '../../web/engine.js';
import { currentLanguage, localize, say } from '../../web/localize.js';

/** @typedef {import('./run_pictures.js').PicturedRun} PicturedRun */

/**
 * @param {import('../../web/dom.js').Part} host
 * @param {object} now
 * @param {PicturedRun | null} now.run on the screen
 * @param {PicturedRun | null} now.coming the newest run, while the screen still shows the one before it
 * @param {any} now.problem an error value
 * @param {any} now.note a message that is no error
 * @param {boolean} now.isQueued whether other runs go first
 * @param {number} now.index the step on the screen
 */
export function drawRunStatus(host, { run, coming, problem, note, isQueued, index }) {
  const state = isQueued ? 'queued' : problem ? 'error' : ((coming ?? run)?.state ?? 'waiting');
  const named = say(`states.${state}`);
  host.$('.status').dataset.state = state;
  if (host.$('.state').textContent !== named) host.$('.state').textContent = named;
  host.$('.message').textContent = problem && !isQueued ? messageOf(problem, run) : localize(note);
  host.$('.status').toggleAttribute('data-note', state !== 'error' && note !== '');
  host.$('.repair').hidden = !problem?.repair;
  if (problem?.repair) host.$('.repair').textContent = localize(problem.repair.label);
  const { other, futures } = coming ?? run ?? {};
  host.$('.stop').hidden = ![state, other?.state, futures?.state].some((each) =>
    ['running', 'queued'].includes(each ?? ''),
  );
  if (!run) return;
  const { rows, plan, seconds, engine, timings, origin } = run;
  const done = rows.length;
  const S = plan.length;
  const rate = done && seconds && say('figures.rate', { ms: ((1000 * seconds) / done).toFixed(0) });
  host.$('.step').textContent = say('figures.step', { n: index + 1, of: S });
  host.$('.nfe').textContent = done < S ? say('figures.nfe', { n: done, of: S }) : say('figures.nfe_all', { n: S });
  host.$('.seconds').textContent = seconds
    ? say('figures.seconds', { seconds: seconds.toFixed(2) })
    : describeOrigin(origin, say, currentLanguage()) || say('figures.before');
  host.$('.rate').textContent = rate ? rate + byEngine(engine) : (origin?.engine ?? '');
  host.$('.rate').title = describeTimings(timings, say);
}

/** What is wrong, and that the pictures are those of the run before. @param {any} problem @param {PicturedRun | null} run */
function messageOf(problem, run) {
  const message = localize(problem.message);
  return run && run.id !== problem.id ? say('figures.kept', { message }) : message;
}
