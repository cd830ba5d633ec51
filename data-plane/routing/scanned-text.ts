/**
 * A text read unit by unit, from one end, no further than someone asks: tables (`TextTable`) look up what has been read
 * so far. Reading is what a lookup spends most of its time on, so every unit is read once, however many lookups follow.
 * Used again for every text; nothing is allocated per text.
 */
export class ScannedText {
  /** What was read, in the order of reading, two units a word. */
  words = new Int32Array(initialUnits / 2);
  #units = new Uint16Array(this.words.buffer);
  length = 0;
  hash = emptyHash;
  #text = "";
  #first = 0;
  readonly #step: 1 | -1;

  constructor(from: "start" | "end") {
    this.#step = from === "start" ? 1 : -1;
  }

  begin(text: string): this {
    this.#text = text;
    this.#first = this.#step === 1 ? 0 : text.length - 1;
    this.length = 0;
    this.hash = emptyHash;
    return this;
  }

  /** Reads on until `length` units are read; the text has as many. */
  extendTo(length: number): void {
    if (length > this.#units.length) this.#grow(length);
    const text = this.#text;
    const units = this.#units;
    const step = this.#step;
    let position = this.#first + this.length * step;
    let { hash } = this;
    for (let index = this.length; index < length; index += 1) {
      const unit = text.charCodeAt(position);
      units[index] = unit;
      hash = Math.imul(hash ^ unit, 0x01000193); // FNV-1a
      position += step;
    }
    this.length = length;
    this.hash = hash;
  }

  lastUnit(): number {
    return this.#units[this.length - 1] ?? 0;
  }

  /** The other fields are not touched: only the buffers change. */
  #grow(length: number): void {
    const before = this.#units;
    this.words = new Int32Array(length);
    this.#units = new Uint16Array(this.words.buffer);
    this.#units.set(before);
  }
}

const initialUnits = 512;

/** Another in every process, so that nobody can prepare texts that all fall on one hash. */
const emptyHash = (Math.random() * 2 ** 32) | 0;
