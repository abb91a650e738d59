// A run as it arrives: plan first, then rows of numbers and preview frames, at the end the sheet. Texts only ever grow.
class Run {
  constructor(value) {
    this.id = value.id;
    this.count = value.count;
    this.settings = { ...value.settings };
    this.T = value.T;
    [this.channels, this.height, this.width] = [...value.shape];
    this.curve = JSON.parse(value.alpha_bar);
    this.plan = JSON.parse(value.plan).map(([t, t_prev, alpha_bar, alpha_bar_prev, x0, direction, sigma, m, k]) => ({
      t, t_prev, alpha_bar, alpha_bar_prev, x0, direction, sigma, m, k,
      sigma1: Math.sqrt((1 - alpha_bar_prev) / (1 - alpha_bar)) * Math.sqrt(1 - alpha_bar / alpha_bar_prev),
      sigmaHat: t_prev ? Math.sqrt(1 - alpha_bar / alpha_bar_prev) : 0,
    }));
    this.kept = JSON.parse(value.kept);
    this.rows = [];
    this.frames = new Map();
    this.images = new Map();
    this.rowsRead = this.previewsRead = 0;
    this.sheet = null;
    this.update(value);
  }

  update(value) {
    this.state = value.state;
    this.seconds = value.seconds;
    this.engine = value.engine;
    this.script = value.script;
    this.distances = value.distances ? JSON.parse(value.distances) : {};
    for (const line of lines(value.rows, this.rowsRead)) this.rows.push(JSON.parse(line));
    for (const line of lines(value.previews, this.previewsRead)) {
      const tab = line.indexOf('\t');
      this.frames.set(+line.slice(0, tab), line.slice(tab + 1));
    }
    [this.rowsRead, this.previewsRead] = [value.rows.length, value.previews.length];
    if (value.sheet && !this.sheetSource) this.loadSheet(value.sheet.file.url, value.sheet.columns);
  }

  loadSheet(url, columns) {
    this.sheetSource = url;
    const image = new Image();
    image.decoding = 'async';
    image.src = url;
    image.decode().then(() => { this.sheet = { image, columns }; this.onSheet?.(); }).catch(() => {});   // the previews stay
  }

  // Steps whose pictures can be shown now: all kept ones once the sheet is there, the previews before.
  get shown() {
    if (this.sheet) return this.kept.filter(i => i < this.rows.length);
    return [...this.frames.keys()];
  }

  // Where step i's five panels lie: an image, and the corner of the first. Null while it is not decoded.
  frame(i) {
    if (this.sheet) {
      const k = this.kept.indexOf(i), { image, columns } = this.sheet;
      return { image, x: (k % columns) * 5 * this.width, y: Math.floor(k / columns) * this.height };
    }
    let image = this.images.get(i);
    if (!image) {
      image = new Image();
      image.onload = () => { image.ready = true; this.onFrame?.(i); };
      image.src = this.frames.get(i);
      this.images.set(i, image);
    }
    return image.ready ? { image, x: 0, y: 0 } : null;
  }
}

const PANELS = ['x_t', 'x0', 'direction', 'noise', 'x_prev'];
const ROW = ['x_t', 'x0', 'eps', 'z', 'x_prev', 'term_x0', 'term_direction', 'term_noise', 'sum_residual', 'mk_residual', 'clipped'];
const column = name => ROW.indexOf(name);
const lines = (text, from) => text.slice(from).split('\n').filter(Boolean);
