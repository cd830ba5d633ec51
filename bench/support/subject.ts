/** A process under measurement, or beside one. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { connect, createServer } from "node:net";

export interface SubjectInit {
  readonly name: string;
  readonly file: string;
  readonly args: readonly string[];
  readonly port: number;
  readonly env?: Readonly<Record<string, string>>;
}

const startTimeoutMs = 60_000;
const ticksPerSecond = 100;

export class Subject implements AsyncDisposable {
  readonly name: string;
  readonly port: number;
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;
  #output = "";

  private constructor({ name, file, args, port, env }: SubjectInit) {
    this.name = name;
    this.port = port;
    this.#child = spawn(file, args, {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, ...env },
    });
    this.#exited = once(this.#child, "close");
    const keep = (text: Buffer) => {
      this.#output = (this.#output + text.toString()).slice(-2_000);
    };
    this.#child.stdout?.on("data", keep);
    this.#child.stderr?.on("data", keep);
  }

  /** Resolves once its port accepts connections. */
  static async start(init: SubjectInit): Promise<Subject> {
    const subject = new Subject(init);
    const deadlineMs = performance.now() + startTimeoutMs;
    while (!(await accepts(init.port))) {
      if (subject.#child.exitCode !== null || performance.now() > deadlineMs) {
        await subject[Symbol.asyncDispose]();
        throw new Error(`Cannot start ${init.name}: ${subject.#output.trim()}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return subject;
  }

  /** User and system time of the process, its threads and its direct children, in seconds. */
  cpuSeconds(): number {
    const { pid } = this.#child;
    let ticks = 0;
    for (const entry of readdirSync("/proc")) {
      if (!/^[0-9]+$/.test(entry)) continue;
      const stat = statOf(entry);
      if (stat !== undefined && (Number(entry) === pid || stat.parent === pid)) ticks += stat.ticks;
    }
    return ticks / ticksPerSecond;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGTERM");
    const force = setTimeout(() => this.#child.kill("SIGKILL"), 15_000);
    await this.#exited;
    clearTimeout(force);
  }
}

function statOf(pid: string): { readonly parent: number; readonly ticks: number } | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "latin1");
    // The command in parentheses may hold spaces.
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    return { parent: Number(fields[1]), ticks: Number(fields[11]) + Number(fields[12]) };
  } catch {
    return undefined; // ended meanwhile
  }
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("Cannot find a free port");
  return address.port;
}
