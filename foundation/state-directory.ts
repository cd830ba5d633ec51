/**
 * A process's own directory: made when missing, for its user only, and locked while in use. The lock is a file naming
 * the process, because it must outlive no one: the lock of a process that is gone (killed, or the machine restarted) is
 * taken over. A process is told from a later one with its number by its start time, where the system tells it.
 */
import { link, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { replaceFile } from "./replace-file.ts";

export interface StateDirectoryInit {
  readonly path: string;
  /** What an operator changes to choose another; named in errors. */
  readonly flag: string;
}

/** Another process works there. */
class StateDirectoryInUseError extends Error {
  override readonly name = "StateDirectoryInUseError";
}

interface LockHolder {
  readonly pid: number;
  /** In clock ticks since the machine's start; "" where unknown. */
  readonly startedAt: string;
}

/** Of this process: a second lock in it would look like one left behind by an earlier process of the same number. */
const held = new Set<string>();

/** A disk that takes nothing is no reason not to start from what it holds. */
const diskProblems: ReadonlySet<string> = new Set(["ENOSPC", "EDQUOT", "EROFS", "EIO"]);

export class StateDirectory implements AsyncDisposable {
  readonly path: string;
  /** Why nothing can be written, and nothing is locked, when that is so (`ENOSPC`). */
  readonly problem: string | undefined;

  private constructor(path: string, problem: string | undefined) {
    this.path = path;
    this.problem = problem;
  }

  /** Rejects with `StateDirectoryInUseError`, or when the directory cannot be made or written to. */
  static async open({ path, flag }: StateDirectoryInit): Promise<StateDirectory> {
    try {
      await mkdir(path, { recursive: true, mode: 0o700 });
      await lock(path, flag);
    } catch (error) {
      if (error instanceof StateDirectoryInUseError) throw error;
      const code = (error as NodeJS.ErrnoException).code ?? String(error);
      if (diskProblems.has(code)) {
        await refuseIfHeld(path, flag);
        return new StateDirectory(path, code);
      }
      throw new Error(`Cannot use state directory ${path}: ${code}; choose another with ${flag}`, {
        cause: error,
      });
    }
    return new StateDirectory(path, undefined);
  }

  /** Content of a small text file kept here; undefined when there is none. */
  async read(name: string): Promise<string | undefined> {
    return readIfThere(join(this.path, name));
  }

  /** Keeps a small text, durably. */
  async write(name: string, text: string): Promise<void> {
    await replaceFile(join(this.path, name), [Buffer.from(text)]);
  }

  /** May be called any number of times. */
  async release(): Promise<void> {
    if (held.delete(this.path)) await rm(lockOf(this.path), { force: true });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.release();
  }
}

async function lock(path: string, flag: string): Promise<void> {
  const file = lockOf(path);
  const own = `${file}.${process.pid}`;
  try {
    await writeFile(own, JSON.stringify(await describeProcess(process.pid)), { mode: 0o600 });
    // A link is made whole or not at all, and never over an existing name.
    while (!(await linked(own, file))) {
      const text = await refuseIfHeld(path, flag);
      if (text !== undefined) await takeAway(file, text);
    }
    held.add(path);
  } finally {
    await rm(own, { force: true });
  }
}

/** Resolves to the content of a lock nobody holds any more, undefined when there is none. */
async function refuseIfHeld(path: string, flag: string): Promise<string | undefined> {
  const text = await readIfThere(lockOf(path));
  if (text === undefined) return undefined;
  const holder = parseHolder(text);
  if (held.has(path) || (holder !== undefined && (await isAlive(holder)))) {
    throw new StateDirectoryInUseError(
      `State directory ${path} is in use by pid ${holder?.pid ?? process.pid}; choose another with ${flag}`,
    );
  }
  return text;
}

/** Moves a dead process's lock away; when another process was faster and it is no longer that lock, puts it back. */
async function takeAway(file: string, expected: string): Promise<void> {
  const aside = `${file}.stale.${process.pid}`;
  try {
    await rename(file, aside);
    if ((await readFile(aside, "utf8")) !== expected) await linked(aside, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  } finally {
    await rm(aside, { force: true });
  }
}

async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

async function isAlive(holder: LockHolder): Promise<boolean> {
  // A lock with our own number is of an earlier process: this one would be in `held`.
  if (holder.pid === process.pid) return false;
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
  }
  const { startedAt } = await describeProcess(holder.pid);
  return startedAt === "" || holder.startedAt === "" || startedAt === holder.startedAt;
}

async function describeProcess(pid: number): Promise<LockHolder> {
  const stat = (await readIfThere(`/proc/${pid}/stat`)) ?? "";
  // The command's name may hold spaces and parentheses: fields are counted after the last one. Start time is the 22nd.
  const startedAt = stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "";
  return { pid, startedAt };
}

function parseHolder(text: string): LockHolder | undefined {
  try {
    const { pid, startedAt }: Partial<LockHolder> = JSON.parse(text);
    return typeof pid === "number" && typeof startedAt === "string"
      ? { pid, startedAt }
      : undefined;
  } catch {
    return undefined; // cut off while it was written, in a crash of the machine
  }
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

function lockOf(path: string): string {
  return join(path, "lock");
}
