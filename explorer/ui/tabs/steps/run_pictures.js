// The pictures of a run: previews while it goes on, the sheet at its end.
import { PictureStore } from '../../web/picture_store.js';
import { Run } from './run.js';

/** @typedef {{ image: HTMLImageElement, x: number, y: number }} Frame an image, and the corner of the first panel on it */

export class PicturedRun extends Run {
  /** @type {HTMLImageElement | null} */
  sheet = null;
  /** Called when the sheet can be shown, and when a preview can. */
  onSheet = () => {};
  /** @param {number} _i */
  onFrame = (_i) => {};
  /** Called when the picture of the other η or one of the futures can be shown. */
  onFollowUp = () => {};
  /** The picture of the other η, decoded. @type {HTMLImageElement | null} */
  otherImage = null;
  /** Previews by step, and whether each is decoded. @type {Map<number, { image: HTMLImageElement, ready: boolean }>} */
  #images = new Map();
  /** Pictures of the tree of futures, see Futures in futures.py. */
  branches = new PictureStore(() => this.onFollowUp());
  /** The run whose value they came with. */
  branchesId = -1;
  #isLoading = false;
  #otherAddress = '';

  constructor(value) {
    super(value);
    this.#loadSheet();
    this.#loadFollowUps(value);
  }

  update(value) {
    super.update(value);
    if (#images in this) this.#loadSheet(); // not while the base class constructs it
  }

  takeFollowUps(value) {
    super.takeFollowUps(value);
    if (#images in this) this.#loadFollowUps(value);
  }

  /** @param {any} value */
  #loadFollowUps({ id, branches }) {
    this.#loadOther();
    if (!branches) return;
    this.branches.read({ id, pictures: branches });
    this.branchesId = id;
  }

  #loadOther() {
    const { picture } = this.other ?? {};
    if (!picture || picture === this.#otherAddress) return;
    this.#otherAddress = picture;
    const image = new Image();
    image.onload = () => {
      if (picture !== this.#otherAddress) return; // a newer one was there first
      this.otherImage = image;
      this.onFollowUp();
    };
    image.src = picture;
  }

  #loadSheet() {
    if (!this.sheetAt || this.#isLoading) return;
    this.#isLoading = true;
    const image = new Image();
    image.decoding = 'async';
    image.src = this.sheetAt.url;
    image.decode().then(
      () => {
        this.sheet = image;
        this.hasSheet = true;
        this.onSheet();
      },
      () => {}, // the previews stay
    );
  }

  /**
   * Where step i's panels lie. Null while it is not decoded.
   * @param {number} i
   * @returns {Frame | null}
   */
  frame(i) {
    if (this.sheet) return { image: this.sheet, ...this.cornerOf(i) };
    let entry = this.#images.get(i);
    if (!entry) {
      const added = { image: new Image(), ready: false };
      added.image.onload = () => {
        added.ready = true;
        this.onFrame(i);
      };
      added.image.src = this.previews.get(i) ?? '';
      this.#images.set(i, added);
      entry = added;
    }
    return entry.ready ? { image: entry.image, x: 0, y: 0 } : null;
  }
}
