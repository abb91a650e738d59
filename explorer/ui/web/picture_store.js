// The pictures of a stage, by name. They come as lines "name<tab>address" in a text that only grows while a run goes on.

/**
 * @typedef {object} Entry
 * @property {HTMLImageElement} image
 * @property {number} id of the run it came with
 * @property {boolean} ready whether it is decoded
 * @property {HTMLImageElement} [before] shown until then
 */

export class PictureStore {
  /** @type {Map<string, Entry>} */
  #entries = new Map();
  #read = { id: -1, length: 0 };
  /** What is painted on a canvas, and its size there. @type {WeakMap<HTMLCanvasElement, { image: HTMLImageElement, size: number }>} */
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
   * Read what is new.
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
   * The picture that can be shown under a name now.
   * @param {string} name
   */
  image(name) {
    const entry = this.#entries.get(name);
    return entry && (entry.ready ? entry.image : entry.before);
  }

  /**
   * Put a picture on a canvas of `size` CSS pixels: by a whole factor and sharp, or smaller and smooth. Blank if there is none.
   * @param {HTMLCanvasElement} canvas
   * @param {string} name
   * @param {number} size
   * @param {number} current id of the run that is shown: pictures of others are pale
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
