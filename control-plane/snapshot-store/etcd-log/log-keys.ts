import { type KeyRange, keysBetween } from "../../etcd/key-range.ts";

/** Where a record lies. A delta that turned nothing into everything serves as base where it is. */
export type RecordPlace = "delta" | "base";

/**
 * Keys of the generation log. What followers watch (the head, the deltas and the notes) lies below one prefix, the bases beside it: a base
 * tells a follower nothing new, and is large. Numbers are padded, so that keys sort as the numbers do.
 */
export class LogKeys {
  readonly leader: string;
  readonly head: string;
  readonly watched: string;
  /** Prefix of the replicas that run, each on a lease of its own. */
  readonly replicas: string;
  /** Prefix of the notes. */
  readonly notes: string;
  readonly #places: Readonly<Record<RecordPlace, string>>;

  constructor(root: string) {
    const below = root === "" ? "" : `${root}/`;
    this.leader = `${below}leader`;
    this.watched = `${below}generations/`;
    this.head = `${this.watched}head`;
    this.notes = `${this.watched}note/`;
    this.replicas = `${below}replicas/`;
    this.#places = { delta: `${this.watched}delta/`, base: `${below}bases/` };
  }

  value(place: RecordPlace, number: bigint, index: number): string {
    return `${this.#record(place, number)}${index.toString().padStart(6, "0")}`;
  }

  /** All records from `first` up to, not including, `end`; without it to the last. */
  records(place: RecordPlace, first: bigint, end?: bigint): KeyRange {
    const to = end === undefined ? `${this.#places[place]}~` : this.#record(place, end);
    return keysBetween(this.#record(place, first), to);
  }

  /** Number of the delta a watched key is a value of. */
  deltaNumber(key: string): bigint | undefined {
    const prefix = this.#places.delta;
    return key.startsWith(prefix) ? this.recordNumber(key) : undefined;
  }

  note(name: string): string {
    return `${this.notes}${name}`;
  }

  /** Absent: the key is no note's. */
  noteName(key: string): string | undefined {
    return key.startsWith(this.notes) ? key.slice(this.notes.length) : undefined;
  }

  /** Number of the record any value's key belongs to. */
  recordNumber(key: string): bigint {
    return BigInt(key.split("/").at(-2) ?? "");
  }

  #record(place: RecordPlace, number: bigint): string {
    return `${this.#places[place]}${number.toString().padStart(20, "0")}/`;
  }
}
