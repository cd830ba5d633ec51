import type { ScannedText } from "./scanned-text.ts";

/** Texts in one flat array, so that comparing with one reads neighbouring memory and follows no reference. */
export class TextStore {
  /** A text is its length, then its units, two a word. */
  #words = new Int32Array(minimalWords);
  #end = 0;
  /** Places that were given back, by their number of words. */
  readonly #vacant: number[][] = [];

  /** Of what has been read; the place it is kept at. */
  put(text: ScannedText): number {
    const wordCount = wordsFor(text.length);
    const place = this.#vacant[wordCount]?.pop() ?? this.#append(wordCount);
    this.#words[place] = text.length;
    const pairs = text.length >>> 1;
    for (let i = 0; i < pairs; i += 1) this.#words[place + 1 + i] = text.words[i] ?? 0;
    if (text.length % 2 === 1) this.#words[place + 1 + pairs] = text.lastUnit();
    return place;
  }

  remove(place: number): void {
    const wordCount = wordsFor(this.#words[place] ?? 0);
    const vacant = this.#vacant[wordCount];
    if (vacant === undefined) this.#vacant[wordCount] = [place];
    else vacant.push(place);
  }

  isAt(place: number, text: ScannedText): boolean {
    const words = this.#words;
    const { length } = text;
    if (words[place] !== length) return false;
    const read = text.words;
    const pairs = length >>> 1;
    for (let i = 0; i < pairs; i += 1) if (words[place + 1 + i] !== read[i]) return false;
    return (length & 1) === 0 || words[place + 1 + pairs] === text.lastUnit();
  }

  #append(wordCount: number): number {
    const place = this.#end;
    this.#end += wordCount;
    if (this.#end > this.#words.length) {
      const before = this.#words;
      this.#words = new Int32Array(Math.max(this.#end, before.length * 2));
      this.#words.set(before);
    }
    return place;
  }
}

const minimalWords = 0;

function wordsFor(length: number): number {
  return 1 + ((length + 1) >>> 1);
}
