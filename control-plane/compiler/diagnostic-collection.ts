/**
 * What is wrong now, per object and per source as a whole. Every diagnostic is logged once when it appears and once when
 * it is mended; an object that only moved in its source is not worth a line. However much breaks at once, one report
 * writes a bounded number of lines: the rest is in the API.
 */
import type { Diagnostic } from "../../config-model/dynamic/diagnostic.ts";
import { formatPosition } from "../../config-model/dynamic/diagnostic.ts";
import { objectId } from "../../config-model/dynamic/object-key.ts";
import type { Logger } from "../../foundation/log.ts";
import { printableLine } from "../../foundation/printable-line.ts";
import type { ObjectDiagnostics } from "./diagnose-changes.ts";

const maxLinesPerReport = 100;

export interface DiagnosticCounts {
  readonly errors: number;
  readonly warnings: number;
}

export class DiagnosticCollection {
  readonly #log: Logger;
  readonly #bySubject = new Map<string, readonly Diagnostic[]>();
  #errors = 0;
  #warnings = 0;

  constructor({ log }: { readonly log: Logger }) {
    this.#log = log;
  }

  get counts(): DiagnosticCounts {
    return { errors: this.#errors, warnings: this.#warnings };
  }

  /** All there are, those of sources as a whole and of objects, in the order in which their subjects first had one. */
  *all(): Iterable<Diagnostic> {
    for (const diagnostics of this.#bySubject.values()) yield* diagnostics;
  }

  /** What the compiler says of the objects it names; of all others nothing changed. */
  reportObjects(changes: readonly ObjectDiagnostics[]): void {
    this.#report(changes.map(({ key, diagnostics }) => [`object ${objectId(key)}`, diagnostics]));
  }

  /** Problems of a provider's source as a whole, all of them. */
  reportSource(provider: string, problems: readonly Diagnostic[]): void {
    this.#report([[`source ${provider}`, problems]]);
  }

  #report(reports: readonly (readonly [subject: string, now: readonly Diagnostic[]])[]): void {
    let lines = 0;
    for (const [subject, now] of reports) {
      const before = this.#bySubject.get(subject) ?? [];
      if (now.length === 0) this.#bySubject.delete(subject);
      else this.#bySubject.set(subject, now);
      this.#count(before, -1);
      this.#count(now, 1);
      for (const diagnostic of without(now, before)) {
        if (lines++ < maxLinesPerReport) this.#logAppeared(diagnostic);
      }
      for (const diagnostic of without(before, now)) {
        if (lines++ < maxLinesPerReport) this.#logMended(diagnostic);
      }
    }
    if (lines > maxLinesPerReport) {
      this.#log.warn(
        "more diagnostics changed than are logged: GET /api/fleet/diagnostics has all",
        {
          changed: lines,
          logged: maxLinesPerReport,
        },
      );
    }
  }

  #count(diagnostics: readonly Diagnostic[], by: 1 | -1): void {
    for (const { severity } of diagnostics) {
      if (severity === "error") this.#errors += by;
      else this.#warnings += by;
    }
  }

  #logAppeared(diagnostic: Diagnostic): void {
    const { severity, code, hint } = diagnostic;
    const fields = hint === undefined ? { code } : { code, hint };
    if (severity === "error") this.#log.error(sentence(diagnostic), fields);
    else this.#log.warn(sentence(diagnostic), fields);
  }

  #logMended(diagnostic: Diagnostic): void {
    this.#log.info(`resolved: ${sentence(diagnostic)}`, { code: diagnostic.code });
  }
}

function without(
  diagnostics: readonly Diagnostic[],
  others: readonly Diagnostic[],
): readonly Diagnostic[] {
  return diagnostics.filter(
    ({ code, message }) =>
      !others.some((other) => other.code === code && other.message === message),
  );
}

function sentence({ source, message }: Diagnostic): string {
  return printableLine(`${formatPosition(source)}: ${message}`);
}
