/**
 * The mutable places between built objects, one per name. Whoever refers to a name holds its cell and reads `current`
 * when it needs it: replacing what the name stands for is one assignment and touches nobody who refers to it. Readers see
 * the old handler or the new one, never a mixture.
 */
export interface Definition<Handler> {
  /** Of the resource it was made from: equal means unchanged. */
  readonly fingerprint: string;
  /** Names it refers to in the same map. */
  readonly members: readonly string[];
  /** Infallible. With the members' cells in order. */
  bind(members: readonly Cell<Handler>[]): Handler;
}

export class Cell<Handler> {
  readonly name: string;
  current: Handler;
  /** Absent: the name is referred to and does not exist. */
  definition: Definition<Handler> | undefined;
  members: readonly Cell<Handler>[] = noMembers;
  references = 0;

  constructor(name: string, current: Handler) {
    this.name = name;
    this.current = current;
  }
}

const noMembers: readonly never[] = [];

export class CellMap<Handler> {
  readonly #missing: Handler;
  readonly #cells = new Map<string, Cell<Handler>>();

  /** `missing` stands in for names that do not exist. */
  constructor(missing: Handler) {
    this.#missing = missing;
  }

  /** Cells there are, those of names that do not exist included. */
  get size(): number {
    return this.#cells.size;
  }

  definition(name: string): Definition<Handler> | undefined {
    return this.#cells.get(name)?.definition;
  }

  /** Names that exist, with their definitions. */
  *definitions(): Generator<readonly [string, Definition<Handler>]> {
    for (const { name, definition } of this.#cells.values()) {
      if (definition !== undefined) yield [name, definition];
    }
  }

  define(name: string, definition: Definition<Handler>): void {
    const cell = this.#cellOf(name);
    const before = cell.members;
    cell.members = this.referAll(definition.members);
    cell.definition = definition;
    cell.current = definition.bind(cell.members);
    this.releaseAll(before);
  }

  remove(name: string): void {
    const cell = this.#cells.get(name);
    if (cell === undefined) return;
    const { members } = cell;
    cell.members = noMembers;
    cell.definition = undefined;
    cell.current = this.#missing;
    this.releaseAll(members);
    this.#forgetUnused(cell);
  }

  refer(name: string): Cell<Handler> {
    const cell = this.#cellOf(name);
    cell.references += 1;
    return cell;
  }

  release(cell: Cell<Handler>): void {
    cell.references -= 1;
    this.#forgetUnused(cell);
  }

  referAll(names: readonly string[]): readonly Cell<Handler>[] {
    return names.length === 0 ? noMembers : names.map((name) => this.refer(name));
  }

  releaseAll(cells: readonly Cell<Handler>[]): void {
    for (const cell of cells) this.release(cell);
  }

  #cellOf(name: string): Cell<Handler> {
    let cell = this.#cells.get(name);
    if (cell === undefined) {
      cell = new Cell(name, this.#missing);
      this.#cells.set(name, cell);
    }
    return cell;
  }

  #forgetUnused(cell: Cell<Handler>): void {
    if (cell.references === 0 && cell.definition === undefined) this.#cells.delete(cell.name);
  }
}
