// The plane to draw on: strokes of a mouse, a pen or a finger, a cursor for the keyboard, the tools, and files that are dropped.
import { say } from '../../web/localize.js';
import { fixed } from '../../web/numbers.js';
import { publish } from '../../web/page_state.js';
import { write } from '../../web/plot.js';
import { MAX_POINTS, pointsOf, RANGE, textOf } from './drawing_code.js';
import { readDrawing } from './drawing_reader.js';
import { DrawingModel } from './drawing_model.js';
import { themeColour } from './plane.js';
import { planeScale } from './scales.js';

/** @typedef {import('./drawing_code.js').Point} Point */

const CURSOR_STEP = 0.1;
const PEN_ERASER = 32; // the bit of an eraser in PointerEvent.buttons
const HALF_CROSS = 9; // px

/** @type {Record<string, Point>} */
const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

export class DrawingPad {
  model = new DrawingModel();
  /** The means of the presets, as texts of drawings. @type {Record<string, string>} */
  presets = {};
  /** @type {Point} */
  cursor = [0, 0];
  /** The text of the drawing that the settings hold. */
  #sent = '';
  /** The pointer that draws. @type {number | null} */
  #pointer = null;
  #erases = false;

  /**
   * @param {import('../../web/stage.js').Stage} host
   * @param {(drawing: string) => void} change requests a run of another drawing
   */
  constructor(host, change) {
    this.host = host;
    this.change = change;
    this.box = host.$('.pad');
    this.tools = host.$('.drawing-tools');
    /** @type {HTMLCanvasElement} */
    this.canvas = host.$('.pad canvas');
    this.#listen();
  }

  /** The keys of the canvas. @returns {import('../../web/keys.js').KeyRow[]} */
  get keys() {
    const on = '.pad canvas';
    return [
      { on, keys: Object.keys(MOVES), says: 'drawing.key_move', act: (key) => this.#moveCursor(key) },
      { on, keys: ['Enter', ' '], says: 'drawing.key_place', act: () => this.#place() },
      { on, keys: ['Delete', 'Backspace'], says: 'drawing.key_erase', act: () => this.#remove() },
    ];
  }

  get isShown() {
    return !this.box.hidden;
  }

  // ---- settings ----

  /** @param {Record<string, any>} settings */
  show({ mixture, drawing }) {
    this.box.hidden = this.tools.hidden = mixture !== 'drawing';
    this.box.parentElement.toggleAttribute('data-drawing', this.isShown);
    if (drawing === this.#sent) return;
    this.#sent = drawing;
    this.model.reset(pointsOf(drawing));
    this.#tell('');
  }

  /** Show the drawing of before, or begin one. @param {Point[]} means of the mixture on the screen */
  choose(means) {
    if (!this.model.points.length) this.model.reset(this.#sent ? pointsOf(this.#sent) : means.slice(0, MAX_POINTS));
    this.#commit();
  }

  /** Run what is drawn. Without points there is nothing to run. */
  #commit() {
    const { points, isFull } = this.model;
    if (points.length) {
      this.#sent = textOf(points);
      this.change(this.#sent);
    }
    if (!points.length) this.#tell(say('drawing.none'));
    else this.#tell(isFull ? say('drawing.full', { most: MAX_POINTS }) : '');
    this.draw();
  }

  // ---- strokes ----

  #listen() {
    const { canvas, host } = this;
    canvas.addEventListener('pointerdown', (event) => this.#begin(event));
    canvas.addEventListener('pointermove', (event) => {
      if (event.pointerId !== this.#pointer) return;
      const passed = event.getCoalescedEvents?.() ?? [];
      for (const at of passed.length ? passed : [event]) this.#goOn(at);
      this.draw();
    });
    canvas.addEventListener('pointerup', (event) => this.#end(event, true));
    canvas.addEventListener('pointercancel', (event) => this.#end(event, false)); // two fingers scroll the page
    for (const name of ['focus', 'blur']) canvas.addEventListener(name, () => this.draw());
    host.addEventListener('keydown', (event) => this.#undoByKey(event));
    const file = host.$('.drawing-tools [type="file"]');
    file.addEventListener('change', (/** @type {Event} */ event) => {
      event.stopPropagation();
      this.#open(file.files[0]);
      file.value = '';
    });
    host.stage.addEventListener('drop', (event) => {
      const dropped = event.dataTransfer?.files[0];
      if (!this.isShown || !dropped) return;
      event.preventDefault();
      this.#open(dropped);
    });
  }

  /** @param {PointerEvent} event */
  #begin(event) {
    if (!event.isPrimary || this.#pointer !== null || !(event.button === 0 || event.buttons & PEN_ERASER)) return;
    this.#pointer = event.pointerId;
    this.canvas.setPointerCapture(event.pointerId);
    this.#erases = Boolean(event.buttons & PEN_ERASER) || this.host.$('[name="tool"][value="erase"]').checked;
    this.model.begin();
    this.#goOn(event);
    this.draw();
  }

  /** @param {PointerEvent} event */
  #goOn(event) {
    const { left, top, width } = this.canvas.getBoundingClientRect();
    const scale = (2 * RANGE) / width;
    /** @type {Point} */
    const place = [(event.clientX - left) * scale - RANGE, RANGE - (event.clientY - top) * scale];
    if (this.#erases) this.model.eraseTo(place);
    else this.model.drawTo(place);
    this.cursor = place;
  }

  /** @param {PointerEvent} event @param {boolean} counts */
  #end(event, counts) {
    if (event.pointerId !== this.#pointer) return;
    this.#pointer = null;
    const before = this.model.before;
    if (counts && this.model.points !== before) return this.#commit();
    this.model.cancel();
    if (counts && this.model.isFull) this.#tell(say('drawing.full', { most: MAX_POINTS }));
    this.draw();
  }

  // ---- keys and tools ----

  /** @param {string} key */
  #moveCursor(key) {
    /** @param {number} v @param {number} by */
    const moved = (v, by) => {
      const steps = Math.round(v / CURSOR_STEP) + by;
      return Math.min(RANGE, Math.max(-RANGE, steps * CURSOR_STEP));
    };
    const [dx, dy] = MOVES[key];
    this.cursor = [moved(this.cursor[0], dx), moved(this.cursor[1], dy)];
    this.#announce('drawing.cursor');
    this.draw();
  }

  #place() {
    if (this.host.$('[name="tool"][value="erase"]').checked) return this.#remove();
    this.model.begin();
    this.model.drawTo(this.cursor);
    if (this.model.points === this.model.before) {
      this.model.cancel();
      if (this.model.isFull) this.#tell(say('drawing.full', { most: MAX_POINTS }));
      return this.#announce('drawing.cursor');
    }
    this.#commit();
    this.#announce('drawing.placed');
  }

  #remove() {
    this.model.begin();
    const gone = this.model.eraseTo(this.cursor);
    if (gone) this.#commit();
    else this.model.cancel();
    this.#announce('drawing.erased', { gone });
  }

  /** @param {KeyboardEvent} event */
  #undoByKey(event) {
    const key = event.key.toLowerCase();
    if (!this.isShown || event.altKey || !(event.ctrlKey || event.metaKey) || !(key === 'z' || key === 'y')) return;
    if (/** @type {Element} */ (event.target).closest('input[type="text"]')) return;
    event.preventDefault();
    this.#change(key === 'y' || event.shiftKey ? 'redo' : 'undo');
  }

  /** @param {HTMLButtonElement} button @returns {boolean} whether it is one of the tools */
  press(button) {
    const { drawing, start } = button.dataset;
    if (start) {
      this.model.replace(pointsOf(this.presets[start]));
      this.#commit();
    } else if (drawing === 'undo' || drawing === 'redo' || drawing === 'clear') this.#change(drawing);
    return Boolean(drawing || start);
  }

  /** @param {'undo' | 'redo' | 'clear'} how */
  #change(how) {
    if (how === 'clear') {
      if (!this.model.points.length) return;
      this.model.replace([]);
    } else if (!this.model[how]()) return;
    this.#commit();
    this.#announce({ undo: 'drawing.undone', redo: 'drawing.redone', clear: 'drawing.cleared' }[how]);
  }

  /** @param {File | undefined} file */
  async #open(file) {
    if (!file) return;
    const read = await readDrawing(file);
    if (read.settings) return publish('restore', { settings: read.settings, name: file.name });
    if (!read.points) return this.#tell(read.message);
    this.model.replace(read.points);
    this.#commit();
    this.#tell(read.message);
  }

  // ---- what is shown and said ----

  /** @param {string} message */
  #tell(message) {
    this.host.$('.drawing-said').textContent = message;
  }

  /** Say something to screen readers. @param {string} key @param {Record<string, any>} [more] */
  #announce(key, more = {}) {
    const [x, y] = this.cursor.map((v) => fixed(v, 1).replace('−0.0', '0.0'));
    this.host.$('.drawing-aloud').textContent = say(key, { x, y, n: this.model.points.length, ...more });
  }

  draw() {
    if (!this.isShown || !this.canvas.clientWidth) return;
    const { model, canvas, tools } = this;
    write(this.host.$('.drawing-count'), say('drawing.count', { n: model.points.length, most: MAX_POINTS }));
    canvas.setAttribute('aria-label', say('drawing.canvas_drawing', { hint: say('drawing.hint') }));
    tools.querySelector('[data-drawing="undo"]').disabled = !model.canUndo;
    tools.querySelector('[data-drawing="redo"]').disabled = !model.canRedo;
    tools.querySelector('[data-drawing="clear"]').disabled = !model.points.length;
    this.#paint();
  }

  #paint() {
    const { canvas } = this;
    const ratio = devicePixelRatio || 1;
    const side = canvas.clientWidth;
    const pixels = Math.round(side * ratio);
    if (canvas.width !== pixels) [canvas.width, canvas.height] = [pixels, pixels];
    const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
    const { X, Y } = planeScale(side);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, side, side);
    context.fillStyle = themeColour('--grid');
    context.fillRect(X(0) - 0.5, 0, 1, side);
    context.fillRect(0, Y(0) - 0.5, side, 1);
    context.fillStyle = themeColour('--x0');
    for (const [x, y] of this.model.points) {
      context.beginPath();
      context.arc(X(x), Y(y), 2.25, 0, 2 * Math.PI);
      context.fill();
    }
    if (document.activeElement !== canvas || !canvas.matches(':focus-visible')) return;
    const [x, y] = [X(this.cursor[0]), Y(this.cursor[1])];
    context.fillStyle = themeColour('--ink');
    context.fillRect(x - HALF_CROSS, y - 0.75, 2 * HALF_CROSS, 1.5);
    context.fillRect(x - 0.75, y - HALF_CROSS, 1.5, 2 * HALF_CROSS);
  }
}
