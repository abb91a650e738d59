// Settings whose default depends on what is in front: clip follows the checkpoint's scheduler, and η the tab. Each of them follows
// until the user, an address or the lesson chooses it; the choice then holds for every checkpoint and tab. No DOM.
import { settingFrom } from '../web/address.js';

/** The settings that follow. */
const FOLLOWING = ['clip', 'eta'];

/** @typedef {import('../web/address.js').Fields} Fields */

/**
 * What a query string says about the settings that follow: those that it does not name are undefined, no choice.
 * @param {URLSearchParams} given
 * @returns {Fields}
 */
export const unnamed = (given) =>
  Object.fromEntries(FOLLOWING.filter((name) => !given.has(name)).map((name) => [name, undefined]));

export class FollowingSettings {
  /** By name, what was chosen. @type {Fields} */
  #chosen = {};

  /**
   * @param {Pick<import('../web/backend.js').About, 'defaults' | 'default_eta'>} about
   * @param {Record<string, { T: number, clips: boolean }>} checkpoints the known ones by name
   */
  constructor(about, checkpoints) {
    this.about = about;
    this.checkpoints = checkpoints;
  }

  /** The names of the settings that are chosen, which an address holds even if they equal their defaults. */
  get chosen() {
    return FOLLOWING.filter((name) => this.#chosen[name] !== undefined);
  }

  /**
   * What an address chooses of the settings that follow; undefined where it says nothing, or nothing that could be used.
   * @param {URLSearchParams} address
   * @param {Fields} settings that it was found to hold
   * @returns {Fields}
   */
  choicesIn(address, settings) {
    const said = (name) => settingFrom(name, this.about.defaults[name], address.get(name) ?? '');
    return Object.fromEntries(FOLLOWING.map((name) => [name, said(name) === settings[name] ? said(name) : undefined]));
  }

  /**
   * The settings that an address leaves out.
   * @param {string} tab
   * @param {string} checkpoint
   * @returns {Fields}
   */
  defaults(tab, checkpoint) {
    const { defaults, default_eta } = this.about;
    return { ...defaults, eta: default_eta[tab], clip: Boolean(this.checkpoints[checkpoint]?.clips) };
  }

  /**
   * The settings after a change: S is no larger than the T of another checkpoint, and what follows has its default unless it is chosen.
   * @param {Fields} settings the ones before
   * @param {Fields} change undefined for a setting that is to follow again
   * @param {string} tab in front after it
   * @returns {Fields}
   */
  after(settings, change, tab) {
    const after = { ...settings, ...change };
    const defaults = this.defaults(tab, after.checkpoint);
    for (const name of FOLLOWING) {
      if (name in change) this.#chosen[name] = change[name];
      after[name] = this.#chosen[name] === undefined ? defaults[name] : this.#chosen[name];
    }
    const { T } = this.checkpoints[after.checkpoint] ?? {};
    const isOther = after.checkpoint !== settings.checkpoint;
    if (isOther && T && Number.isInteger(after.steps)) after.steps = Math.min(after.steps, T);
    return after;
  }
}
