/**
 * A text read from one end, no further than someone asks. Tables (`TextTable`) look up its beginnings, by their length.
 * Reading is what a lookup spends most of its time on (a slice of another string gives its units one by one, slowly), so
 * every unit is read once, however many lookups follow. Used again for every text; nothing is allocated per text.
 */
export class ScannedText {
  /** What was read, in the order of reading, two units a word. */
  words = new Int32Array(initialWords);
  /** By number of words. */
  #hashes = new Int32Array(initialWords + 1).fill(emptyHash);
  readonly #isFromEnd: boolean;

  constructor(from: "start" | "end") {
    this.#isFromEnd = from === "end";
  }

  /** The first `length` units; `text` has as many. */
  read(text: string, length: number): void {
    if (length > this.words.length * 2) this.#grow(length);
    const { words } = this;
    const hashes = this.#hashes;
    const step = this.#isFromEnd ? -1 : 1;
    let position = this.#isFromEnd ? text.length - 1 : 0;
    let hash = emptyHash;
    const pairs = length >>> 1;
    for (let index = 0; index < pairs; index += 1) {
      const word = text.charCodeAt(position) | (text.charCodeAt(position + step) << 16);
      words[index] = word;
      hash = extendHash(hash, word);
      hashes[index + 1] = hash;
      position += 2 * step;
    }
    if (pairs * 2 < length) words[pairs] = text.charCodeAt(position);
  }

  /** Of the first `length` units, which have been read. */
  hash(length: number): number {
    const pairs = length >>> 1;
    const hash = this.#hashes[pairs] ?? 0;
    return pairs * 2 === length ? hash : extendHash(hash, this.oddUnit(length));
  }

  /** The last of the first `length` units, where their number is odd. */
  oddUnit(length: number): number {
    return (this.words[length >>> 1] ?? 0) & 0xffff;
  }

  #grow(length: number): void {
    this.words = new Int32Array(length);
    this.#hashes = new Int32Array(length + 1).fill(emptyHash);
  }
}

const initialWords = 256;

/** Another in every process, so that nobody can prepare texts that all fall on one hash. */
const emptyHash = (Math.random() * 2 ** 32) | 0;

/** A product carries upwards only; the shift brings what is above back down. */
function extendHash(hash: number, word: number): number {
  const product = Math.imul(hash ^ word, 0x9e3779b1);
  return product ^ (product >>> 15);
}
