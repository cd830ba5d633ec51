/** Objects looked at between two pauses: work on one that takes a microsecond is not worth a pause of its own. */
const objectsAtOnce = 32;

/** Tells a loop of steps when to pause. */
export class Pace {
  #count = 0;

  get isPause(): boolean {
    this.#count++;
    return this.#count % objectsAtOnce === 0;
  }
}
