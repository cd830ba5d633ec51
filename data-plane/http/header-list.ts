/**
 * Header fields in the order and spelling they arrived in, duplicates kept. Lookups take lower-case names: comparing
 * happens once per field when it is added, never per lookup.
 */
export class HeaderList {
  readonly #names: string[] = [];
  readonly #lowerNames: string[] = [];
  readonly #values: string[] = [];

  get length(): number {
    return this.#names.length;
  }

  nameAt(index: number): string {
    return this.#names[index] ?? "";
  }

  lowerNameAt(index: number): string {
    return this.#lowerNames[index] ?? "";
  }

  valueAt(index: number): string {
    return this.#values[index] ?? "";
  }

  /** Value of the first field of that name. */
  get(lowerName: string): string | undefined {
    const index = this.#lowerNames.indexOf(lowerName);
    return index === -1 ? undefined : this.#values[index];
  }

  has(lowerName: string): boolean {
    return this.#lowerNames.includes(lowerName);
  }

  append(name: string, value: string): void {
    this.#names.push(name);
    this.#lowerNames.push(name.toLowerCase());
    this.#values.push(value);
  }

  /** One field of that name stays, at the place of the first. */
  set(name: string, value: string): void {
    const lowerName = name.toLowerCase();
    const index = this.#lowerNames.indexOf(lowerName);
    if (index === -1) {
      this.append(name, value);
      return;
    }
    this.#names[index] = name;
    this.#values[index] = value;
    this.#deleteFrom(index + 1, lowerName);
  }

  delete(lowerName: string): void {
    this.#deleteFrom(0, lowerName);
  }

  clear(): void {
    this.#names.length = 0;
    this.#lowerNames.length = 0;
    this.#values.length = 0;
  }

  #deleteFrom(start: number, lowerName: string): void {
    for (
      let index = this.#lowerNames.indexOf(lowerName, start);
      index !== -1;
      index = this.#lowerNames.indexOf(lowerName, index)
    ) {
      this.#names.splice(index, 1);
      this.#lowerNames.splice(index, 1);
      this.#values.splice(index, 1);
    }
  }
}
