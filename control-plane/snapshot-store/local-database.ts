import { closeSync, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";
// biome-ignore lint/correctness/noUnresolvedImports: built into Node, unknown to this version of the linter
import { DatabaseSync } from "node:sqlite";
import { errorText } from "../../foundation/error-text.ts";
import { newFleetId } from "./new-fleet-id.ts";

export type LocalDatabase = DatabaseSync;

const schemaVersion = 3;

/**
 * Opens the database of the local store, making it when missing. Throws with a sentence an operator can act on when it is
 * locked by another process, damaged, or written by a newer version.
 */
export function openLocalDatabase(file: string): LocalDatabase {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  // Payloads hold secrets. SQLite gives its side files the mode of the main file, so making that one first is enough.
  closeSync(openSync(file, "a", 0o600));
  let database: LocalDatabase | undefined;
  try {
    database = new DatabaseSync(file);
    // Exclusive before WAL: the lock then holds from the first access to the close, and no shared-memory file is needed.
    database.exec("PRAGMA locking_mode = EXCLUSIVE");
    database.exec("PRAGMA journal_mode = WAL");
    database.exec("PRAGMA synchronous = FULL");
    prepareSchema(database);
    return database;
  } catch (error) {
    database?.close();
    throw new Error(`Cannot open snapshot store ${file}: ${reasonOf(error)}`, { cause: error });
  }
}

function prepareSchema(database: LocalDatabase): void {
  database.exec("BEGIN EXCLUSIVE");
  const found = Number(database.prepare("PRAGMA user_version").get()?.["user_version"]);
  if (found > schemaVersion) {
    throw new Error(`it was written by a newer version (schema ${found}, known ${schemaVersion})`);
  }
  if (found === 0) {
    database.exec(`
      CREATE TABLE resource (
        kind INTEGER NOT NULL, name TEXT NOT NULL, hash BLOB NOT NULL, payload BLOB NOT NULL,
        PRIMARY KEY (kind, name)
      );
      CREATE TABLE head (
        only INTEGER PRIMARY KEY CHECK (only = 1),
        fleet_id TEXT NOT NULL, epoch INTEGER NOT NULL, number INTEGER NOT NULL, digest BLOB
      );`);
    database
      .prepare("INSERT INTO head (only, fleet_id, epoch, number, digest) VALUES (1, ?, 0, 0, NULL)")
      .run(newFleetId());
  }
  if (found < 2) {
    database.exec(`
      ALTER TABLE head ADD COLUMN sources TEXT NOT NULL DEFAULT '{}';
      CREATE TABLE note (name TEXT PRIMARY KEY, text TEXT NOT NULL);`);
  }
  if (found < 3) {
    database.exec(`
      CREATE TABLE step (
        number INTEGER PRIMARY KEY, epoch INTEGER NOT NULL, digest BLOB NOT NULL, keys TEXT NOT NULL
      );`);
  }
  if (found < schemaVersion) database.exec(`PRAGMA user_version = ${schemaVersion}`);
  database.exec("COMMIT");
}

/** SQLite's primary result codes that have an operator's meaning. */
const reasons: Readonly<Record<number, string>> = {
  5: "another process uses it",
  11: "the file is damaged",
  26: "the file is damaged (it is not a database)",
};

function reasonOf(error: unknown): string {
  const code = (error as { readonly errcode?: number }).errcode;
  const known = code === undefined ? undefined : reasons[code & 0xff];
  return known ?? errorText(error);
}
