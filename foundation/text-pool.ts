/**
 * One string object for texts that occur again and again: less memory, and a comparison that finds them in the cache.
 * Holds at most `limit` texts; when it is full it starts anew, which costs sharing and nothing else.
 */
export class TextPool {
  readonly #limit: number;
  readonly #texts = new Map<string, string>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  of(text: string): string {
    const known = this.#texts.get(text);
    if (known !== undefined) return known;
    if (this.#texts.size >= this.#limit) this.#texts.clear();
    this.#texts.set(text, text);
    return text;
  }
}
