// The status row of a run. Shares the player's scope.
let problem = null, note = '', queued = false;
function drawStatus() {
  const state = queued ? 'queued' : problem ? 'error' : (coming ?? run)?.state ?? 'waiting';
  $('.status').dataset.state = state;
  const named = say(`states.${state}`);
  if ($('.state').textContent !== named) $('.state').textContent = named;
  $('.message').textContent = !problem || queued ? told(note) : run && run.id !== problem.id ? say('figures.kept', { message: told(problem.message) }) : told(problem.message);
  $('.status').toggleAttribute('data-note', state !== 'error' && note !== '');
  $('.repair').hidden = !problem?.repair;
  if (problem?.repair) $('.repair').textContent = told(problem.repair.label);
  $('.stop').hidden = !['running', 'queued'].includes(state);
  if (!run) return;
  const done = run.rows.length, S = run.plan.length;
  $('.step').textContent = say('figures.step', { n: index + 1, of: S });
  $('.nfe').textContent = done < S ? say('figures.nfe', { n: done, of: S }) : say('figures.nfe_all', { n: S });
  $('.seconds').textContent = run.seconds ? say('figures.seconds', { seconds: run.seconds.toFixed(2) }) : say('figures.before');
  $('.rate').textContent = done && run.seconds ? say('figures.rate', { ms: (1000 * run.seconds / done).toFixed(0) }) + byEngine(run.engine) : '';
}
