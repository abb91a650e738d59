// The pictures of a stage by name. They arrive as lines "name<tab>data URI" in a string that is only appended to during a run.

/**
 * @typedef {object} Entry
 * @property {HTMLImageElement} image
 * @property {number} id of its run
 * @property {boolean} ready whether it is decoded
 * @property {HTMLImageElement} [before] shown until then
 */

export class PictureStore {
  /** @type {Map<string, Entry>} */
  #entries = new Map();
  #read = { id: -1, length: 0 };
  /** The image that is painted on each canvas, and its size there. @type {WeakMap<HTMLCanvasElement, { image: HTMLImageElement, size: number }>} */
  #painted = new WeakMap();
  #onReady;

  /** @param {() => void} onReady called whenever a picture can be shown */
  constructor(onReady) {
    this.#onReady = onReady;
  }

  /** @param {string} name */
  get(name) {
    return this.#entries.get(name);
  }

  /**
   * Read the new lines.
   * @param {{ id: number, pictures: string }} value
   */
  read({ id, pictures }) {
    if (this.#read.id !== id) this.#read = { id, length: 0 };
    for (const line of pictures.slice(this.#read.length).split('\n')) {
      const tab = line.indexOf('\t');
      if (tab >= 0) this.#add(line.slice(0, tab), line.slice(tab + 1), id);
    }
    this.#read.length = pictures.length;
  }

  /** @param {string} name @param {string} address @param {number} id */
  #add(name, address, id) {
    /** @type {Entry} */
    const entry = { image: new Image(), id, ready: false };
    const before = this.#entries.get(name);
    entry.image.onload = () => {
      entry.ready = true;
      this.#onReady();
    };
    entry.image.src = address;
    if (before?.ready) entry.before = before.image;
    this.#entries.set(name, entry);
  }

  /**
   * The decoded picture of a name.
   * @param {string} name
   */
  image(name) {
    const entry = this.#entries.get(name);
    return entry && (entry.ready ? entry.image : entry.before);
  }

  /**
   * Paint a picture on a canvas of `size` CSS pixels: enlarged by an integer factor without smoothing, or reduced with smoothing.
   * Clear the canvas if there is no picture.
   * @param {HTMLCanvasElement} canvas
   * @param {string} name
   * @param {number} size
   * @param {number} current id of the run that is shown; pictures of other runs are faded
   */
  paint(canvas, name, size, current) {
    const entry = this.#entries.get(name),
      image = this.image(name);
    canvas.classList.toggle('stale', Boolean(entry) && entry?.id !== current);
    canvas.classList.toggle('blank', !image);
    if (!image) return this.#painted.delete(canvas);
    const painted = this.#painted.get(canvas);
    if (painted?.image === image && painted.size === size) return;
    this.#painted.set(canvas, { image, size });
    const { naturalWidth, naturalHeight } = image;
    if (canvas.width !== naturalWidth || canvas.height !== naturalHeight) {
      [canvas.width, canvas.height] = [naturalWidth, naturalHeight];
    }
    canvas.getContext('2d')?.drawImage(image, 0, 0);
    canvas.style.imageRendering = size % Math.max(naturalWidth, naturalHeight) === 0 ? 'pixelated' : 'auto';
  }
}
