import { classifyHeader, type KnownHeader } from "./known-header.ts";

/** A value is sent as it is here, one byte per character: nothing may end the line, nothing may be above U+00FF. */
const unsendable = /[^\t\x20-\x7e\x80-\xff]/;
const validName = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/**
 * Header fields in the order and spelling they arrived in, duplicates kept. Lookups take lower-case names: a name is
 * classified once, when its field is added. Entries beyond the length are left in place and overwritten later, so that
 * a list used for one request after another allocates nothing.
 */
export class HeaderList {
  readonly #names: string[] = [];
  readonly #lowerNames: string[] = [];
  readonly #values: string[] = [];
  readonly #ids: number[] = [];
  #length = 0;

  get length(): number {
    return this.#length;
  }

  nameAt(index: number): string {
    return index < this.#length ? (this.#names[index] ?? "") : "";
  }

  lowerNameAt(index: number): string {
    return index < this.#length ? (this.#lowerNames[index] ?? "") : "";
  }

  valueAt(index: number): string {
    return index < this.#length ? (this.#values[index] ?? "") : "";
  }

  /** See known-header.ts. */
  idAt(index: number): number {
    return index < this.#length ? (this.#ids[index] ?? 0) : 0;
  }

  /** Value of the first field of that name. */
  get(lowerName: string): string | undefined {
    const index = this.#indexOf(lowerName, 0);
    return index === -1 ? undefined : this.#values[index];
  }

  has(lowerName: string): boolean {
    return this.#indexOf(lowerName, 0) !== -1;
  }

  /** Throws when the field could not be sent as one line; text beyond Latin-1 is sent as UTF-8. */
  append(name: string, value: string): void {
    this.appendParsed(checkedName(name), classifyHeader(name), checkedValue(name, value));
  }

  /** For fields whose bytes a parser has checked. */
  appendParsed(name: string, known: KnownHeader, value: string): void {
    const index = this.#length;
    this.#names[index] = name;
    this.#lowerNames[index] = known.lowerName;
    this.#values[index] = value;
    this.#ids[index] = known.id;
    this.#length = index + 1;
  }

  /** One field of that name stays, at the place of the first. Throws like `append`. */
  set(name: string, value: string): void {
    const known = classifyHeader(name);
    const index = this.#indexOf(known.lowerName, 0);
    if (index === -1) {
      this.append(name, value);
      return;
    }
    this.#values[index] = checkedValue(name, value);
    this.#names[index] = name;
    this.#deleteFrom(index + 1, known.lowerName);
  }

  delete(lowerName: string): void {
    this.#deleteFrom(0, lowerName);
  }

  clear(): void {
    this.#length = 0;
  }

  #indexOf(lowerName: string, start: number): number {
    for (let index = start; index < this.#length; index += 1) {
      if (this.#lowerNames[index] === lowerName) return index;
    }
    return -1;
  }

  #deleteFrom(start: number, lowerName: string): void {
    let kept = this.#indexOf(lowerName, start);
    if (kept === -1) return;
    for (let index = kept + 1; index < this.#length; index += 1) {
      if (this.#lowerNames[index] === lowerName) continue;
      this.#names[kept] = this.#names[index] ?? "";
      this.#lowerNames[kept] = this.#lowerNames[index] ?? "";
      this.#values[kept] = this.#values[index] ?? "";
      this.#ids[kept] = this.#ids[index] ?? 0;
      kept += 1;
    }
    this.#length = kept;
  }
}

function checkedName(name: string): string {
  if (!validName.test(name)) {
    throw new Error(`Cannot set header ${JSON.stringify(name)}: the name is not a token`);
  }
  return name;
}

function checkedValue(name: string, value: string): string {
  if (!unsendable.test(value)) return value;
  const encoded = Buffer.from(value, "utf8").toString("latin1");
  if (unsendable.test(encoded)) {
    throw new Error(`Cannot set header "${name}": the value holds a control character`);
  }
  return encoded;
}
