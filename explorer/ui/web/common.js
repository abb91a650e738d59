// What all components share: events of the page, the clipboard, files.
const DIE = '<svg width="18" height="18" viewBox="0 0 16 16" fill="currentColor" stroke="currentColor" stroke-width="1.2" aria-hidden="true"><rect x="2.5" y="2.5" width="11" height="11" rx="2.5" fill="none"/><circle cx="5.6" cy="5.6" r=".8"/><circle cx="10.4" cy="10.4" r=".8"/><circle cx="8" cy="8" r=".8"/><circle cx="10.4" cy="5.6" r=".8"/><circle cx="5.6" cy="10.4" r=".8"/></svg>';
const publish = (name, detail) => window.dispatchEvent(new CustomEvent(name, { detail }));
async function copy(button, text) {
  try { await navigator.clipboard.writeText(text); }
  catch {   // no clipboard outside https and localhost
    const area = Object.assign(document.createElement('textarea'), { value: text });
    document.body.append(area); area.select(); document.execCommand('copy'); area.remove();
  }
  const label = button.textContent, done = say('actions.copied');
  button.textContent = done;
  setTimeout(() => { if (button.textContent === done) button.textContent = label; }, 1200);   // unless the language changed
}
const floats = text => new Float32Array(Uint8Array.from(atob(text), c => c.charCodeAt(0)).buffer);
function keep(url, name) {   // the browser keeps a file under this name
  const link = Object.assign(document.createElement('a'), { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  if (url.startsWith('blob:')) setTimeout(() => URL.revokeObjectURL(url), 10000);
}

// What computes the network, for the end of a line.
const byEngine = engine => engine ? ` · ${engine}` : '';
