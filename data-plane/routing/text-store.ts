import type { ScannedText } from "./scanned-text.ts";

const noWords = new Int32Array(0);

/** Texts in one flat array, so that comparing with one reads neighbouring memory and follows no reference. */
export class TextStore {
  /** A text is its length, then its units, two a word. */
  #words = noWords;
  #end = 0;
  /** Places that were given back, by their number of words. */
  readonly #vacant: number[][] = [];

  /** Keeps the first `length` units; returns their place. */
  put(text: ScannedText, length: number): number {
    const wordCount = wordsFor(length);
    const place = this.#vacant[wordCount]?.pop() ?? this.#append(wordCount);
    this.#words[place] = length;
    const pairs = length >>> 1;
    for (let i = 0; i < pairs; i += 1) this.#words[place + 1 + i] = text.words[i] ?? 0;
    if (length % 2 === 1) this.#words[place + 1 + pairs] = text.oddUnit(length);
    return place;
  }

  remove(place: number): void {
    const wordCount = wordsFor(this.#words[place] ?? 0);
    while (this.#vacant.length <= wordCount) this.#vacant.push([]);
    this.#vacant[wordCount]?.push(place);
  }

  /** Whether the first `length` units of `text` are the text at that place. */
  isAt(place: number, text: ScannedText, length: number): boolean {
    const words = this.#words;
    if (words[place] !== length) return false;
    const read = text.words;
    const pairs = length >>> 1;
    for (let i = 0; i < pairs; i += 1) if (words[place + 1 + i] !== read[i]) return false;
    return (length & 1) === 0 || words[place + 1 + pairs] === text.oddUnit(length);
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

function wordsFor(length: number): number {
  return 1 + ((length + 1) >>> 1);
}
