/** When a control plane was last heard, and when one last confirmed the state this node holds. Monotonic time. */
export class ControlPlaneContact {
  readonly #now: () => number;
  #heardAtMs: number | undefined;
  #confirmedAtMs: number | undefined;
  #source: "stream" | "cache" = "cache";
  /** Whom the stream is open with. */
  address: string | undefined;

  readonly #onConfirmed: () => void;

  constructor(onConfirmed: () => void = () => {}, now: () => number = () => performance.now()) {
    this.#onConfirmed = onConfirmed;
    this.#now = now;
  }

  heard(): void {
    this.#heardAtMs = this.#now();
  }

  /** What the node holds is what a control plane wants it to hold. */
  confirmed(): void {
    this.#confirmedAtMs = this.#now();
    this.#source = "stream";
    this.#onConfirmed();
  }

  /** The state comes from disk, where it was confirmed `ageMs` ago. */
  restored(ageMs: number): void {
    this.#confirmedAtMs = this.#now() - ageMs;
  }

  get source(): "stream" | "cache" {
    return this.#source;
  }

  /** Undefined: never. */
  get heardAgeMs(): number | undefined {
    return this.#heardAtMs === undefined ? undefined : this.#now() - this.#heardAtMs;
  }

  get confirmedAgeMs(): number | undefined {
    return this.#confirmedAtMs === undefined ? undefined : this.#now() - this.#confirmedAtMs;
  }
}
