import { headerId, isSentByEngine, knownHeaderId, knownHeaderName } from "./known-header.ts";

/** A value is sent as it is here, one byte per character: nothing may end the line, nothing may be above U+00FF. */
const unsendable = /[^\t\x20-\x7e\x80-\xff]/;
const validName = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

const firstCapacity = 16;
/** What one message with very many fields needed is not kept for the rest of a connection's life. */
const keptCapacity = 256;

/** Start of a field that is not in the source. */
const own = -1;

/** Fields that are always added together, with the text they are sent as. */
export interface HeaderBlock {
  readonly text: string;
  readonly ids: readonly number[];
  readonly names: readonly string[];
  readonly values: readonly string[];
}

const noBlock: HeaderBlock = { text: "", ids: [], names: [], values: [] };

/**
 * Header fields in the order and spelling they arrived in, duplicates kept. Lookups take lower-case names.
 *
 * A parsed field is four numbers: its place in the head's text. Strings are made when someone asks for a name or a
 * value; what nobody changes is sent on as a piece of that text. One list serves one message after another.
 */
export class HeaderList {
  #source = "";
  #length = 0;
  #ids = new Uint8Array(firstCapacity);
  #starts = new Int32Array(firstCapacity);
  #nameEnds = new Int32Array(firstCapacity);
  #valueEnds = new Int32Array(firstCapacity);
  /** Of own fields; what is at other indexes means nothing. */
  readonly #names: string[] = [];
  readonly #values: string[] = [];
  #block = noBlock;
  #blockStart = 0;

  get length(): number {
    return this.#length;
  }

  nameAt(index: number): string {
    if (index >= this.#length) return "";
    const start = this.#starts[index] ?? own;
    return start === own
      ? (this.#names[index] ?? "")
      : this.#source.slice(start, this.#nameEnds[index]);
  }

  lowerNameAt(index: number): string {
    const id = this.idAt(index);
    return id === headerId.other ? this.nameAt(index).toLowerCase() : knownHeaderName(id);
  }

  valueAt(index: number): string {
    if (index >= this.#length) return "";
    return this.#starts[index] === own
      ? (this.#values[index] ?? "")
      : this.#source.slice((this.#nameEnds[index] ?? 0) + 2, this.#valueEnds[index]);
  }

  /** See known-header.ts. */
  idAt(index: number): number {
    return index < this.#length ? (this.#ids[index] ?? 0) : 0;
  }

  /** Value of the first field of that name. */
  get(lowerName: string): string | undefined {
    const index = this.#indexOf(knownHeaderId(lowerName), lowerName, 0);
    return index === -1 ? undefined : this.valueAt(index);
  }

  has(lowerName: string): boolean {
    return this.#indexOf(knownHeaderId(lowerName), lowerName, 0) !== -1;
  }

  /** Of a known header. */
  hasId(id: number): boolean {
    return this.#indexOf(id, "", 0) !== -1;
  }

  /** Throws when the field could not be sent as one line; text beyond Latin-1 is sent as UTF-8. */
  append(name: string, value: string): void {
    this.appendChecked(checkedName(name), checkedValue(name, value));
  }

  /** For names and values that are known to be good. */
  appendChecked(name: string, value: string): void {
    const index = this.#grow();
    this.#ids[index] = knownHeaderId(name.toLowerCase());
    this.#starts[index] = own;
    this.#names[index] = name;
    this.#values[index] = value;
  }

  appendBlock(block: HeaderBlock): void {
    this.#block = block;
    this.#blockStart = this.#length;
    for (let member = 0; member < block.ids.length; member += 1) {
      const index = this.#grow();
      this.#ids[index] = block.ids[member] ?? 0;
      this.#starts[index] = own;
      this.#names[index] = block.names[member] ?? "";
      this.#values[index] = block.values[member] ?? "";
    }
  }

  /** One field of that name stays, at the place of the first. Throws like `append`. */
  set(name: string, value: string): void {
    const lowerName = name.toLowerCase();
    const id = knownHeaderId(lowerName);
    const index = this.#indexOf(id, lowerName, 0);
    if (index === -1) {
      this.append(name, value);
      return;
    }
    this.#values[index] = checkedValue(name, value);
    this.#names[index] = name;
    this.#starts[index] = own;
    this.#block = noBlock;
    this.#deleteFrom(index + 1, id, lowerName);
  }

  delete(lowerName: string): void {
    this.#deleteFrom(0, knownHeaderId(lowerName), lowerName);
  }

  /** Every field whose name holds a `_`. */
  deleteWithUnderscore(): void {
    this.#deleteWhere(0, (index) => this.nameAt(index).includes("_"));
  }

  clear(): void {
    this.#length = 0;
    this.#block = noBlock;
    if (this.#ids.length > keptCapacity) this.#setCapacity(firstCapacity);
  }

  /** Empties the list for the fields of a head; `appendParsed` refers to `source`. */
  beginParsed(source: string): void {
    this.clear();
    this.#source = source;
  }

  /** A field written as `name: value` in the source, with exactly one space, and CRLF at `valueEnd`. */
  appendParsed(id: number, start: number, nameEnd: number, valueEnd: number): void {
    const index = this.#grow();
    this.#ids[index] = id;
    this.#starts[index] = start;
    this.#nameEnds[index] = nameEnd;
    this.#valueEnds[index] = valueEnd;
  }

  /**
   * The lines of what travels end to end; the engine writes the rest. `peerAddress`, unless "", becomes the last member
   * of an X-Forwarded-For that is there.
   */
  lines(peerAddress: string): string {
    const source = this.#source;
    let text = "";
    let runStart = 0;
    let runEnd = 0;
    for (let index = 0; index < this.#length; index += 1) {
      const id = this.#ids[index] ?? 0;
      if (isSentByEngine[id] === 1) continue;
      const start = this.#starts[index] ?? own;
      const mustJoin = id === headerId.forwardedFor && peerAddress !== "";
      if (start !== own && !mustJoin) {
        if (start !== runEnd) {
          if (runEnd > runStart) text += source.slice(runStart, runEnd);
          runStart = start;
        }
        runEnd = (this.#valueEnds[index] ?? 0) + 2;
        continue;
      }
      if (runEnd > runStart) text += source.slice(runStart, runEnd);
      runStart = runEnd;
      if (this.#block !== noBlock && index === this.#blockStart) {
        text += this.#block.text;
        index += this.#block.ids.length - 1;
        continue;
      }
      const value = this.valueAt(index);
      const joined = mustJoin ? joinAddress(value, peerAddress) : value;
      text += `${this.nameAt(index)}: ${joined}\r\n`;
    }
    return runEnd > runStart ? text + source.slice(runStart, runEnd) : text;
  }

  #grow(): number {
    const index = this.#length;
    this.#length = index + 1;
    if (index === this.#ids.length) this.#setCapacity(index * 2);
    return index;
  }

  /** Keeps what fits. */
  #setCapacity(capacity: number): void {
    const resized = (old: Int32Array): Int32Array<ArrayBuffer> => {
      const copy = new Int32Array(capacity);
      copy.set(old.subarray(0, capacity));
      return copy;
    };
    const ids = new Uint8Array(capacity);
    ids.set(this.#ids.subarray(0, capacity));
    this.#ids = ids;
    this.#starts = resized(this.#starts);
    this.#nameEnds = resized(this.#nameEnds);
    this.#valueEnds = resized(this.#valueEnds);
    this.#names.length = Math.min(this.#names.length, capacity);
    this.#values.length = Math.min(this.#values.length, capacity);
  }

  /** A known name is found by its id, another by its text. */
  #indexOf(id: number, lowerName: string, from: number): number {
    for (let index = from; index < this.#length; index += 1) {
      if (this.#ids[index] === id && this.#isNamed(index, id, lowerName)) return index;
    }
    return -1;
  }

  #isNamed(index: number, id: number, lowerName: string): boolean {
    if (id !== headerId.other) return true;
    const start = this.#starts[index] ?? own;
    const isSource = start !== own;
    if (isSource && (this.#nameEnds[index] ?? 0) - start !== lowerName.length) return false;
    return this.nameAt(index).toLowerCase() === lowerName;
  }

  #deleteFrom(from: number, id: number, lowerName: string): void {
    const first = this.#indexOf(id, lowerName, from);
    if (first === -1) return;
    this.#deleteWhere(
      first,
      (index) => this.#ids[index] === id && this.#isNamed(index, id, lowerName),
    );
  }

  /** One pass, however many there are. */
  #deleteWhere(from: number, isUnwanted: (index: number) => boolean): void {
    let kept = from;
    for (let index = from; index < this.#length; index += 1) {
      if (isUnwanted(index)) continue;
      if (kept === index) {
        kept += 1;
        continue;
      }
      this.#ids[kept] = this.#ids[index] ?? 0;
      this.#starts[kept] = this.#starts[index] ?? own;
      this.#nameEnds[kept] = this.#nameEnds[index] ?? 0;
      this.#valueEnds[kept] = this.#valueEnds[index] ?? 0;
      this.#names[kept] = this.#names[index] ?? "";
      this.#values[kept] = this.#values[index] ?? "";
      kept += 1;
    }
    if (kept < this.#length) this.#block = noBlock;
    this.#length = kept;
  }
}

function joinAddress(value: string, address: string): string {
  return value === "" ? address : `${value}, ${address}`;
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
