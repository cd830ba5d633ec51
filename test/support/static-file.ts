/** `test/e2e/static-files`: static configurations as operators write them, moved to ports and paths of a test. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { freePort, Program } from "./program.ts";

export interface StaticFile {
  readonly path: string;
  /** `127.0.0.1:PORT` of the entry point that the file has on this port. */
  readonly addressOf: (port: number) => string;
}

const folder = join(import.meta.dirname, "../e2e/static-files");

/** Copies it into `directory`, which takes the place of /etc/traefik. */
export async function placeStaticFile(
  name: string,
  directory: string,
  replaced: Readonly<Record<string, string>> = {},
): Promise<StaticFile> {
  const ports = new Map<string, number>();
  const original = await readFile(join(folder, name), "utf8");
  for (const [, port = ""] of original.matchAll(/address = ":(\d+)/g)) {
    ports.set(port, await freePort());
  }
  let text = original
    .replaceAll(/address = ":(\d+)/g, (_, port) => `address = "127.0.0.1:${ports.get(port)}`)
    .replaceAll("/etc/traefik", directory);
  for (const [before, after] of Object.entries(replaced)) text = text.replaceAll(before, after);
  const path = join(directory, name);
  await writeFile(path, text);
  return { path, addressOf: (port) => `127.0.0.1:${ports.get(String(port))}` };
}

export function startWith({ path }: StaticFile, directory: string): Program {
  const state = `--state-dir=${join(directory, "state")}`;
  return new Program([`--configFile=${path}`, state, "--admin=127.0.0.1:0", "--workers=1"]);
}

/** Of a start before the store has been read, which may take as long as it takes. */
const passing = new Set(["data plane refused", "no stream with the control plane, retrying"]);

/** What the log complains of, in order; places without the file's folder. */
export function complaints(program: Program, directory: string): readonly string[] {
  return program.lines
    .filter(({ level, msg }) => level >= 40 && !passing.has(msg))
    .filter(({ msg }) => !msg.startsWith("admin port is in use"))
    .map(({ msg }) => msg.replaceAll(`${directory}/`, ""));
}
