// The points of a drawing, with what a stroke and an eraser do to them, and undo. No DOM.
import { MAX_POINTS, rounded } from './drawing_code.js';

/** @typedef {import('./drawing_code.js').Point} Point */

const SPACING = 0.08; // between the points of a stroke: the standard deviation around a point
const ERASER = 0.18; // radius
const MAX_UNDO = 100;

export class DrawingModel {
  /** @type {Point[]} */
  points = [];
  /** @type {Point[][]} */
  #before = [];
  /** @type {Point[][]} */
  #after = [];
  /** Where the stroke is. @type {Point | null} */
  #end = null;

  get canUndo() {
    return this.#before.length > 0;
  }

  get canRedo() {
    return this.#after.length > 0;
  }

  get isFull() {
    return this.points.length >= MAX_POINTS;
  }

  /** The points before the change that was begun last. */
  get before() {
    return this.#before.at(-1);
  }

  /** Show a drawing that came from elsewhere: there is nothing to undo. @param {Point[]} points */
  reset(points) {
    this.points = points;
    this.#before = [];
    this.#after = [];
  }

  /** Begin a change that is undone as a whole. */
  begin() {
    this.#before.push(this.points);
    if (this.#before.length > MAX_UNDO) this.#before.shift();
    this.#after = [];
    this.#end = null;
  }

  /** Give up the change that was begun. */
  cancel() {
    this.points = this.#before.pop() ?? this.points;
  }

  /** Replace all points. @param {Point[]} points */
  replace(points) {
    this.begin();
    this.points = points.slice(0, MAX_POINTS);
  }

  /** @returns {boolean} whether there was something to undo */
  undo() {
    return this.#step(this.#before, this.#after);
  }

  /** @returns {boolean} */
  redo() {
    return this.#step(this.#after, this.#before);
  }

  /** @param {Point[][]} from @param {Point[][]} to */
  #step(from, to) {
    const points = from.pop();
    if (!points) return false;
    to.push(this.points);
    this.points = points;
    return true;
  }

  /**
   * Draw on to a place: points at even distances along the way.
   * @param {Point} place
   */
  drawTo(place) {
    if (!this.#end) return this.#add(place);
    const [x, y] = this.#end;
    const way = [place[0] - x, place[1] - y];
    const length = Math.hypot(way[0], way[1]);
    const count = Math.floor(length / SPACING + 1e-9);
    for (let k = 1; k <= count; k++) {
      const share = (k * SPACING) / length;
      this.#add([x + way[0] * share, y + way[1] * share]);
    }
  }

  /** Place a point. There is one at most at each place. @param {Point} place */
  #add(place) {
    /** @type {Point} */
    const point = [rounded(place[0]), rounded(place[1])];
    this.#end = place;
    const isThere = this.points.some(([x, y]) => x === point[0] && y === point[1]);
    if (!isThere && !this.isFull) this.points = [...this.points, point];
  }

  /**
   * Remove the points near the way to a place.
   * @param {Point} place
   * @returns {number} how many
   */
  eraseTo(place) {
    const from = this.#end ?? place;
    this.#end = place;
    const kept = this.points.filter((point) => distanceToSegment(point, from, place) > ERASER);
    const gone = this.points.length - kept.length;
    if (gone) this.points = kept;
    return gone;
  }
}

/** @param {Point} point @param {Point} a @param {Point} b */
function distanceToSegment([x, y], [ax, ay], [bx, by]) {
  const [dx, dy] = [bx - ax, by - ay];
  const share = Math.min(1, Math.max(0, ((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy || 1)));
  return Math.hypot(x - ax - share * dx, y - ay - share * dy);
}
