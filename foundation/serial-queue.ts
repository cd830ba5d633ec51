/** Runs tasks one after another, in the order they were given; a task that fails does not stop the next. */
export class SerialQueue {
  #tail: Promise<unknown> = Promise.resolve();

  /** Settles as the task does. */
  run<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#tail.then(task);
    this.#tail = result.catch(() => {}); // whoever gave the task has its failure
    return result;
  }

  /** Resolves when everything given so far has settled. */
  async idle(): Promise<void> {
    await this.#tail;
  }
}
