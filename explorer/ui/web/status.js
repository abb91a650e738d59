// The status row of a run. Shares the player's scope.
let problem = null, note = '', queued = false;
function drawStatus() {
  const state = queued ? 'queued' : problem ? 'error' : (coming ?? run)?.state ?? 'waiting';
  $('.status').dataset.state = state;
  if ($('.state').textContent !== STATES[state]) $('.state').textContent = STATES[state];
  $('.message').textContent = problem && !queued ? told(problem.message) + (run ? ' The panels show the last good run.' : '') : told(note);
  $('.status').toggleAttribute('data-note', state !== 'error' && note !== '');
  $('.repair').hidden = !problem?.repair;
  if (problem?.repair) $('.repair').textContent = told(problem.repair.label);
  $('.stop').hidden = !['running', 'queued'].includes(state);
  if (!run) return;
  const done = run.rows.length, S = run.plan.length;
  $('.step').textContent = `step ${index + 1} of ${S}`;
  $('.nfe').textContent = done < S ? `NFE ${done} of ${S}` : `NFE ${S}`;
  $('.seconds').textContent = run.seconds ? `${run.seconds.toFixed(2)} s` : 'made before';
  $('.rate').textContent = done && run.seconds ? `${(1000 * run.seconds / done).toFixed(0)} ms a step${byEngine(run.engine)}` : '';
}
