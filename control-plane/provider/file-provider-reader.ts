/**
 * Reads the files of a file provider again and again and says what changed between two readings, object by object. What
 * cannot be read, or is half-written, or vanished a moment ago, keeps what it held before.
 */

import { readFileSync, statSync } from "node:fs";
import { basename, relative } from "node:path";
import { isDeepStrictEqual } from "node:util";
import type { DocumentObject } from "../../config-model/dynamic/decode-document.ts";
import { decodeDynamicFile } from "../../config-model/dynamic/decode-dynamic-file.ts";
import type { Diagnostic } from "../../config-model/dynamic/diagnostic.ts";
import { FileFields } from "../../config-model/dynamic/file-fields.ts";
import { objectId } from "../../config-model/dynamic/object-key.ts";
import type { SourceChange } from "../../config-model/dynamic/source-object.ts";
import { BucketedDigest } from "../../config-model/snapshot/bucketed-digest.ts";
import { sourceBucket, sourceLeaf } from "../../config-model/snapshot/source-digest.ts";
import type { FileProviderConfig } from "../../config-model/static/static-configuration.ts";
import { byText } from "../../foundation/by-text.ts";
import { joinedCertificates } from "./content/certificate-identity.ts";
import { ObjectContent } from "./content/object-content.ts";
import type { PresentObject } from "./content/object-contents.ts";
import { describeReadFailure } from "./content/read-failure.ts";
import { duplicateProblem, wholeProblem } from "./file-problem.ts";
import { type FileListing, listFiles } from "./file-provider-listing.ts";

export interface FileReading {
  readonly changes: readonly SourceChange[];
  /** Of the source as a whole, all of them. */
  readonly problems: readonly Diagnostic[];
  /** Why what is known may be less than what the files hold; absent when all of it was read. */
  readonly incomplete: string | undefined;
  readonly folders: readonly string[];
  /**
   * Of all files as they were read last, by their place in the folder: the same array until one changes. Absent when one
   * could not be read.
   */
  readonly digest: Uint8Array | undefined;
  /** What is missing tells nothing when it comes back: look again after this time. */
  readonly lookAgainMs: number | undefined;
}

interface FileState {
  stamp: string;
  text: string;
  objects: ReadonlyMap<string, DocumentObject>;
  /** Shared by the objects of all readings. */
  readonly fields: FileFields;
  problems: readonly Diagnostic[];
  complete: boolean;
  /** Time at which the file was found missing. */
  missingSinceMs: number | undefined;
}

export interface FileReaderInit {
  readonly config: FileProviderConfig;
  readonly nowMs: () => number;
  /** A file missing for less is taken for one being replaced. */
  readonly missingGraceMs: number;
}

const missingFolderPollMs = 1_000;

export class FileReader {
  readonly #init: FileReaderInit;
  readonly #files = new Map<string, FileState>();
  #objects: ReadonlyMap<string, PresentObject> = new Map();
  #folders: readonly string[] = [];
  readonly #digest = new BucketedDigest();
  readonly #content = new ObjectContent();

  constructor(init: FileReaderInit) {
    this.#init = init;
  }

  /** `folders`: where something has changed since the last reading; absent: it may be anywhere. */
  read(folders?: ReadonlySet<string>): FileReading {
    this.#content.look(folders);
    let listing: FileListing;
    try {
      listing = listFiles(this.#init.config);
    } catch (error) {
      const { filename, directory } = this.#init.config;
      return this.#unreadable(describeReadFailure(filename ?? directory ?? "", error));
    }
    this.#folders = listing.folders;
    const failures: Diagnostic[] = [];
    const present = new Set<string>();
    for (const path of listing.files) {
      try {
        if (this.#readFile(path)) present.add(path);
      } catch (error) {
        present.add(path);
        failures.push(wholeProblem(path, describeReadFailure(path, error)));
      }
    }
    const lookAgainMs = this.#forgetMissing(present);
    return this.#conclude(failures, lookAgainMs);
  }

  /** False when there is no such file. */
  #readFile(path: string): boolean {
    const stats = statSync(path, { bigint: true, throwIfNoEntry: false });
    if (stats === undefined) return false;
    const stamp = `${stats.dev}:${stats.ino}:${stats.size}:${stats.mtimeNs}`;
    const known = this.#files.get(path);
    if (known !== undefined) known.missingSinceMs = undefined;
    if (known?.stamp === stamp) return true;
    const text = readFileSync(path, "utf8");
    if (known?.text === text) known.stamp = stamp;
    else {
      this.#files.set(path, decodeFile({ path, stamp, text }, known));
      this.#note(path, known?.text, text);
    }
    return true;
  }

  /** Keeps the digest of what was read; absent: there was, or is, no such file. */
  #note(path: string, before: string | undefined, after: string | undefined): void {
    const { directory } = this.#init.config;
    const key = Buffer.from(directory === undefined ? basename(path) : relative(directory, path));
    const bucket = sourceBucket(key);
    if (before !== undefined) this.#digest.remove(bucket, sourceLeaf(key, Buffer.from(before)));
    if (after !== undefined) this.#digest.add(bucket, sourceLeaf(key, Buffer.from(after)));
  }

  /** Forgets what has been missing long enough; returns when the next one will have been. */
  #forgetMissing(present: ReadonlySet<string>): number | undefined {
    const now = this.#init.nowMs();
    let next: number | undefined;
    for (const [path, file] of this.#files) {
      if (present.has(path)) continue;
      file.missingSinceMs ??= now;
      const leftMs = file.missingSinceMs + this.#init.missingGraceMs - now;
      if (leftMs <= 0) {
        this.#files.delete(path);
        this.#note(path, file.text, undefined);
      } else next = Math.min(next ?? leftMs, leftMs);
    }
    return next;
  }

  #conclude(failures: readonly Diagnostic[], lookAgainMs: number | undefined): FileReading {
    const problems = [...failures];
    const merged = new Map<string, PresentObject>();
    const places = new Set<string>();
    const paths = [...this.#files.keys()].toSorted(byText);
    let incomplete = failures[0]?.message;
    for (const path of paths) {
      const file = this.#files.get(path);
      if (file === undefined) continue;
      problems.push(...file.problems);
      if (!file.complete) incomplete ??= file.problems[0]?.message;
      for (const [writtenId, original] of file.objects) {
        const place = placeOf(path, writtenId, original);
        const object = this.#content.resolve(place, original);
        if (object !== original) places.add(place);
        const id = object === original ? writtenId : objectId(object.key);
        const first = merged.get(id);
        if (first === undefined) merged.set(id, object);
        else if (object.key.kind === "tlsCertificate") {
          merged.set(id, joinedCertificates(first, object));
        } else problems.push(duplicateProblem(object, first));
      }
    }
    this.#content.retain(places);
    const { filename } = this.#init.config;
    if (filename !== undefined && paths.length === 0) {
      const message = `Cannot read ${filename}: there is no such file`;
      incomplete ??= message;
      if (failures.length === 0) problems.push(wholeProblem(filename, message));
    }
    const changes = difference(this.#objects, merged);
    this.#objects = merged;
    const digest = failures.length === 0 ? this.#digest.root() : undefined;
    const folders = [...new Set([...this.#folders, ...this.#content.folders])];
    // A folder that is not there yet cannot be watched.
    const mustLookAgain = this.#content.isIncomplete && this.#init.config.watch;
    const againMs = mustLookAgain
      ? Math.min(lookAgainMs ?? missingFolderPollMs, missingFolderPollMs)
      : lookAgainMs;
    return { changes, problems, incomplete, folders, digest, lookAgainMs: againMs };
  }

  #unreadable(message: string): FileReading {
    const { filename, directory } = this.#init.config;
    return {
      changes: [],
      problems: [wholeProblem(filename ?? directory ?? "", message)],
      incomplete: message,
      folders: this.#folders,
      digest: undefined,
      lookAgainMs: missingFolderPollMs,
    };
  }
}

function decodeFile(
  { path, stamp, text }: { readonly path: string; readonly stamp: string; readonly text: string },
  before: FileState | undefined,
): FileState {
  const fields = before?.fields ?? new FileFields();
  const { objects, problems, complete, silent } = decodeDynamicFile({
    path,
    text,
    env: (name) => process.env[name],
    fields,
  });
  const state = { stamp, text, objects, fields, problems, complete, missingSinceMs: undefined };
  const emptied = silent && before !== undefined && before.objects.size > 0;
  if (before === undefined || (complete && !emptied)) return state;
  const kept = new Map([...before.objects, ...objects]);
  if (!emptied) return { ...state, objects: kept };
  const problem: Diagnostic = {
    severity: "warning",
    code: "syntax",
    message: `${path} holds nothing now, so what it held before stays`,
    source: { provider: "file", location: path },
    hint: "delete the file to remove what it held",
  };
  return { ...state, objects: kept, problems: [...problems, problem] };
}

/** Of certificates in files the numbers move, so that what is written for one is where it is. */
function placeOf(path: string, writtenId: string, { object: { config } }: PresentObject): string {
  return config?.kind === "tlsCertificate"
    ? `\0${config.certFile}\0${config.keyFile}`
    : `${path}\0${writtenId}`;
}

/** An object counts as changed when what it says or what is wrong with it changed; moving it in the file is no change. */
function difference(
  before: ReadonlyMap<string, PresentObject>,
  after: ReadonlyMap<string, PresentObject>,
): readonly SourceChange[] {
  const changes: SourceChange[] = [];
  for (const [id, { key }] of before) {
    if (!after.has(id)) changes.push({ key, object: undefined });
  }
  for (const [id, { key, object }] of after) {
    const known = before.get(id)?.object;
    if (
      known === undefined ||
      (known !== object &&
        !(
          isDeepStrictEqual(known.config, object.config) &&
          isDeepStrictEqual(known.problems, object.problems)
        ))
    ) {
      changes.push({ key, object });
    }
  }
  return changes;
}
