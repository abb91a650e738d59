// The planes of Paths as one PNG with the settings inside: what is drawn, side by side under its names.
async function planesFile(settings) {
  const boxes = $$('[data-run]'), canvases = boxes.map(box => $('canvas', box)), css = getComputedStyle(document.body);
  const ratio = devicePixelRatio || 1, gap = 24 * ratio, head = 40 * ratio, side = canvases[0].width;
  const all = Object.assign(document.createElement('canvas'), { width: canvases.length * (side + gap) + gap, height: side + head + gap });
  const c = all.getContext('2d');
  c.fillStyle = css.getPropertyValue('--bg');
  c.fillRect(0, 0, all.width, all.height);
  c.font = `600 ${15 * ratio}px "Explorer Sans", sans-serif`;
  canvases.forEach((canvas, i) => {
    const x = gap + i * (side + gap), heading = $('h3', boxes[i]);
    c.fillStyle = getComputedStyle(heading.firstChild).color;
    c.fillText(heading.textContent, x, 27 * ratio);
    c.drawImage(canvas, x, head);
  });
  const blob = await new Promise(done => all.toBlob(done, 'image/png'));
  return withSettings(new Uint8Array(await blob.arrayBuffer()), settings);
}
