/** `bin/switchyard` as a process of its own, watched through its log lines. */
import { type ChildProcess, spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";

const repository = join(import.meta.dirname, "../..");

export interface LogLine {
  readonly msg: string;
  readonly level: number;
  readonly [field: string]: unknown;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A test process that is ended for leaving something open must not leave these too. */
const running = new Set<ChildProcess>();
process.once("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

export class Program implements AsyncDisposable {
  readonly startedAtMs = performance.now();
  readonly lines: LogLine[] = [];
  /** What was written outside the log: usage errors, crashes. */
  stderr = "";
  readonly exited: Promise<Exit>;
  readonly #child: ChildProcess;
  readonly #waiters = new Set<() => void>();
  #exit: Exit | undefined;

  constructor(
    args: readonly string[],
    { env = {}, cwd = repository, command = join(repository, "bin/switchyard") } = {},
  ) {
    this.#child = spawn(command, args, {
      cwd,
      // What the developer's shell says must not steer a test.
      env: { PATH: process.env["PATH"], HOME: "/nonexistent", ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    running.add(this.#child);
    this.exited = new Promise((resolve) => {
      this.#child.once("close", (code, signal) => {
        running.delete(this.#child);
        this.#exit = { code, signal };
        resolve(this.#exit);
        this.#wake();
      });
    });
    this.#child.stderr?.on("data", (chunk) => {
      this.stderr += chunk;
    });
    const stdout = this.#child.stdout;
    if (stdout !== null) {
      createInterface({ input: stdout }).on("line", (line) => {
        this.lines.push(parseLine(line));
        this.#wake();
      });
    }
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** The first line that `matches`, past or to come. Fails when the program ends or `withinMs` passes first. */
  async log(matches: (line: LogLine) => boolean, withinMs = 15_000): Promise<LogLine> {
    const deadline = AbortSignal.timeout(withinMs);
    for (;;) {
      const found = this.lines.find(matches);
      if (found !== undefined) return found;
      if (this.#exit !== undefined || deadline.aborted) {
        const why = this.#exit === undefined ? `within ${withinMs} ms` : "before it ended";
        throw new Error(`The program did not log it ${why}:\n${this.transcript()}`);
      }
      await new Promise<void>((resolve) => {
        const wake = () => {
          this.#waiters.delete(wake);
          deadline.removeEventListener("abort", wake);
          resolve();
        };
        this.#waiters.add(wake);
        deadline.addEventListener("abort", wake, { once: true });
      });
    }
  }

  /** `host:port` of a bound listener: `entryPoint`, `stream` or `admin`. */
  async address(listener: string, name?: string): Promise<string> {
    const line = await this.log(
      (candidate) =>
        candidate.msg === "listening" &&
        candidate["listener"] === listener &&
        (name === undefined || candidate["name"] === name),
    );
    return String(line["address"]);
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Ends it at once and waits until it is gone. */
  async destroy(): Promise<Exit> {
    if (this.#exit === undefined) this.#child.kill("SIGKILL");
    return this.exited;
  }

  transcript(): string {
    return `${this.lines.map((line) => JSON.stringify(line)).join("\n")}\n${this.stderr}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.destroy();
  }

  #wake(): void {
    for (const waiter of [...this.#waiters]) waiter();
  }
}

/** Runs it to its end. */
export async function runProgram(
  args: readonly string[],
  options?: { readonly env?: Record<string, string>; readonly cwd?: string },
): Promise<Exit & { readonly stdout: string; readonly stderr: string }> {
  const program = new Program(args, options);
  const exit = await program.exited;
  const stdout = program.lines.map((line) => line["raw"] ?? JSON.stringify(line)).join("\n");
  return { ...exit, stdout, stderr: program.stderr };
}

function parseLine(line: string): LogLine {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value === "object" && value !== null && "msg" in value) return value as LogLine;
  } catch {
    // not a log line: kept as it is
  }
  return { msg: "", level: 0, raw: line };
}

/** Resolves when `attempt` does; a rejection is tried again until `withinMs` has passed, and is then the failure. */
export async function eventually<T>(attempt: () => Promise<T>, withinMs = 10_000): Promise<T> {
  const deadlineMs = performance.now() + withinMs;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (performance.now() > deadlineMs) throw error;
      const turn = Promise.withResolvers<void>();
      setTimeout(turn.resolve, 5);
      await turn.promise;
    }
  }
}

/**
 * Drawn from below the ports a system gives out by itself: whoever listens on port 0, or connects, cannot take it between
 * now and the bind it is meant for.
 */
export async function freePort(): Promise<number> {
  const { createServer } = await import("node:net");
  for (;;) {
    const port = randomInt(16_000, 32_000);
    const server = createServer().listen(port, "127.0.0.1");
    try {
      await once(server, "listening");
    } catch {
      continue;
    }
    server.close();
    await once(server, "close");
    return port;
  }
}
