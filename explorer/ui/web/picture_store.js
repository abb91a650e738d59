// The pictures of a stage by name. They arrive as lines in a string that is only appended to during a run.
import { parsePicture } from './picture_lines.js';

/** @typedef {import('./picture_lines.js').Preview} Preview */

/**
 * @typedef {object} Entry
 * @property {HTMLImageElement} image
 * @property {number} id of its run
 * @property {boolean} ready whether it is decoded
 * @property {Preview | null} preview its steps, if it is a preview
 * @property {Entry} [before] shown until then
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
      const picture = parsePicture(line);
      if (picture) this.#add(picture, id);
    }
    this.#read.length = pictures.length;
  }

  /** @param {import('./picture_lines.js').PictureLine} line @param {number} id */
  #add({ name, address, preview }, id) {
    /** @type {Entry} */
    const entry = { image: new Image(), id, preview, ready: false };
    const before = this.#entries.get(name);
    entry.image.onload = () => {
      entry.ready = true;
      delete entry.before;
      this.#onReady();
    };
    entry.image.src = address;
    const shown = before?.ready ? before : before?.before;
    if (shown) entry.before = shown;
    this.#entries.set(name, entry);
  }

  /** What is shown of a name: its latest decoded picture. @param {string} name */
  #shown(name) {
    const entry = this.#entries.get(name);
    return entry?.ready ? entry : entry?.before;
  }

  /**
   * The decoded picture of a name.
   * @param {string} name
   */
  image(name) {
    return this.#shown(name)?.image;
  }

  /**
   * The steps of the picture that is shown, if it is a preview.
   * @param {string} name
   */
  preview(name) {
    return this.#shown(name)?.preview ?? null;
  }

  /** The number of pictures of a run that are still previews. @param {number} id */
  previews(id) {
    return [...this.#entries.values()].filter((entry) => entry.id === id && entry.preview).length;
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
