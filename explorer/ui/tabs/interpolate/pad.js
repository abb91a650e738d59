// The pad of the Interpolate tab: a grid of pictures between four corners, and the selected picture enlarged.
import { say, sayHtml } from '../../web/localize.js';
import { fixed } from '../../web/numbers.js';
import { write } from '../../web/plot.js';
import { markPreview } from '../../web/preview_mark.js';
import { placeUnder } from './way.js';

/** @typedef {import('./way.js').Place} Place */

const LARGE = 256; // px
const MAX_CELL = 64; // pixels of a picture on the canvas

export class Pad {
  /** By the name of a picture, what is drawn of it on the canvas. @type {Map<string, HTMLImageElement>} */
  #drawn = new Map();
  /** The layout of the canvas. */
  #layout = '';

  /**
   * @param {import('../../web/stage.js').Stage} host
   * @param {(place: Place) => void} onPoint called with the cell under the pointer, which may be outside the pad
   */
  constructor(host, onPoint) {
    this.host = host;
    this.pad = host.$('.pad');
    this.canvas = host.$('.pad canvas');
    this.mark = host.$('.mark');
    /** @param {PointerEvent} event */
    const point = (event) => onPoint(placeUnder(event, this.pad.getBoundingClientRect(), host.value.settings.side));
    this.pad.addEventListener('pointerdown', (event) => {
      if (!host.value) return;
      this.pad.setPointerCapture(event.pointerId);
      this.pad.focus();
      point(event);
      event.preventDefault();
    });
    this.pad.addEventListener('pointermove', (event) => {
      if (host.value && this.pad.hasPointerCapture(event.pointerId)) point(event);
    });
  }

  /**
   * @param {Iterable<string>} names of the pictures, "pad/row/column"
   * @param {Place} place
   */
  draw(names, [row, column]) {
    const { host } = this;
    const { side } = host.value.settings;
    const all = [...names];
    this.#drawPictures(all);
    const unfinished = all.map((name) => host.pictures.preview(name)).find(Boolean) ?? null;
    markPreview(this.pad, unfinished, this.pad.clientWidth);
    const share = 100 / side;
    const box = { left: column * share, top: row * share, width: share, height: share };
    for (const [key, percent] of Object.entries(box)) this.mark.style[key] = `${percent}%`;
    const [across, down] = [column, row].map((v) => fixed(v / (side - 1), 2));
    this.pad.setAttribute('aria-valuetext', `u = ${across}, v = ${down}`);
    this.pad.setAttribute('aria-valuenow', across);
    write(host.$('.place'), sayHtml('interpolate.at_uv', { across, down }));
    host.paint(host.$('.large canvas'), `pad/${row}/${column}`, LARGE);
    const what = say('interpolate.picture_at', { across, down });
    host.$('.large').setAttribute('aria-label', say('stage.open', { what }));
  }

  /** Draw new pictures, each centred in its cell. @param {Iterable<string>} names */
  #drawPictures(names) {
    const { side } = this.host.value.settings;
    const [, height, width] = this.host.value.shape;
    const longest = Math.max(width, height);
    const cell = Math.min(MAX_CELL, longest);
    this.#layOut(side, cell);
    const [w, h] = [(width * cell) / longest, (height * cell) / longest];
    const context = this.canvas.getContext('2d');
    for (const name of names) {
      const image = this.host.pictures.image(name);
      if (!image || this.#drawn.get(name) === image) continue;
      this.#drawn.set(name, image);
      const [, row, column] = name.split('/').map(Number);
      context.drawImage(image, column * cell + (cell - w) / 2, row * cell + (cell - h) / 2, w, h);
    }
  }

  /** Clear the canvas if the number or size of pictures has changed. @param {number} side @param {number} cell */
  #layOut(side, cell) {
    const layout = `${side}/${cell}`;
    if (layout === this.#layout) return;
    this.#layout = layout;
    this.#drawn = new Map();
    this.canvas.width = this.canvas.height = side * cell;
  }
}
