/** A real etcd of one member on free ports of 127.0.0.1, with a data folder of its own, and what can befall it. */
import assert from "node:assert/strict";
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { type EtcdBinaries, locateEtcd } from "./etcd-binaries.ts";
import { eventually, freePort } from "./program.ts";

const run = promisify(execFile);

export interface TestEtcdOptions {
  /** Paths of PEM files; clients must show a certificate of `ca`. */
  readonly tls?: { readonly cert: string; readonly key: string; readonly ca: string };
}

/** A test process that is ended for leaving something open must not leave these too. */
const running = new Set<ChildProcess>();
process.once("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

export class TestEtcd implements AsyncDisposable {
  readonly port: number;
  readonly #peerPort: number;
  readonly #folder: string;
  readonly #binaries: EtcdBinaries;
  readonly #tls: TestEtcdOptions["tls"];
  #process: ChildProcess | undefined;
  #output = "";

  private constructor(
    [port, peerPort]: readonly [number, number],
    folder: string,
    { tls }: TestEtcdOptions,
  ) {
    this.port = port;
    this.#peerPort = peerPort;
    this.#folder = folder;
    this.#binaries = locateEtcd();
    this.#tls = tls;
  }

  static async start(options?: TestEtcdOptions): Promise<TestEtcd> {
    const etcd = await TestEtcd.prepare(options);
    await etcd.run();
    return etcd;
  }

  /** With its ports known, not running yet. */
  static async prepare(options: TestEtcdOptions = {}): Promise<TestEtcd> {
    const folder = await mkdtemp(join(tmpdir(), "switchyard-etcd-"));
    return new TestEtcd([await freePort(), await freePort()], folder, options);
  }

  get endpoint(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** Starts it, on the data it had. Resolves once it answers. */
  async run(): Promise<void> {
    const client = `${this.#tls === undefined ? "http" : "https"}://${this.endpoint}`;
    const peer = `http://127.0.0.1:${this.#peerPort}`;
    const child = spawn(
      this.#binaries.etcd,
      [
        ...["--name", "test", "--data-dir", join(this.#folder, "data"), "--logger", "zap"],
        ...["--listen-client-urls", client, "--advertise-client-urls", client],
        ...["--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer],
        ...["--initial-cluster", `test=${peer}`],
        ...this.#tlsFlags("--cert-file", "--key-file", "--trusted-ca-file"),
        ...(this.#tls === undefined ? [] : ["--client-cert-auth"]),
      ],
      { stdio: ["ignore", "ignore", "pipe"] },
    );
    this.#process = child;
    running.add(child);
    child.once("exit", () => running.delete(child));
    this.#output = "";
    child.stderr.on("data", (chunk) => {
      this.#output = `${this.#output}${chunk}`.slice(-4_000);
    });
    await eventually(async () => {
      if (child.exitCode !== null) throw new Error(`etcd ended: ${this.#output}`);
      await accepts(this.port);
      await this.#answers();
    });
  }

  /** What etcdctl prints; rejects when it fails. Values with line breaks are given with `input`, as etcdctl reads them. */
  async ctl(...args: readonly string[]): Promise<string> {
    return await this.ctlWith({}, ...args);
  }

  async ctlWith(
    { input, user }: { readonly input?: string; readonly user?: string },
    ...args: readonly string[]
  ): Promise<string> {
    const asUser = user === undefined ? [] : ["--user", user];
    const command = run(
      this.#binaries.etcdctl,
      [
        ...["--endpoints", this.endpoint, "--command-timeout=5s", ...asUser],
        ...this.#tlsFlags("--cert", "--key", "--cacert"),
        ...args,
      ],
      { env: { ...process.env, ETCDCTL_API: "3" }, maxBuffer: 1 << 28 },
    );
    // It may end before it has read: what it says then comes by the promise.
    command.child.stdin?.on("error", () => {}).end(input ?? "");
    return (await command).stdout;
  }

  async put(key: string, value: string): Promise<void> {
    await this.ctl("put", "--", key, value);
  }

  /** Several puts and deletes as one transaction. */
  async transaction(...operations: readonly string[]): Promise<void> {
    const answer = await this.ctlWith({ input: `\n${operations.join("\n")}\n\n\n` }, "txn");
    assert.match(answer, /^SUCCESS/);
  }

  async revision(): Promise<bigint> {
    const answer = await this.ctl("get", "none", "-w", "json");
    return BigInt(JSON.parse(answer).header.revision);
  }

  async compact(): Promise<void> {
    await this.ctl("compact", String(await this.revision()));
  }

  /** All pairs below a prefix, as etcdctl prints them: the oracle of tests. */
  async dump(prefix: string): Promise<Map<string, string>> {
    const answer = JSON.parse(await this.ctl("get", "--prefix", prefix, "-w", "json"));
    const text = (base64: string) => Buffer.from(base64, "base64").toString();
    return new Map(
      (answer.kvs ?? []).map((pair: { readonly key: string; readonly value?: string }) => [
        text(pair.key),
        text(pair.value ?? ""),
      ]),
    );
  }

  pause(): void {
    this.#process?.kill("SIGSTOP");
  }

  resume(): void {
    this.#process?.kill("SIGCONT");
  }

  async kill(): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGKILL");
    await once(child, "exit");
  }

  /** As a member replaced by an empty one: the revision starts anew, the cluster id stays. */
  async wipe(): Promise<void> {
    await this.kill();
    await rm(join(this.#folder, "data"), { recursive: true, force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    await rm(this.#folder, { recursive: true, force: true });
  }

  #tlsFlags(cert: string, key: string, ca: string): string[] {
    if (this.#tls === undefined) return [];
    return [cert, this.#tls.cert, key, this.#tls.key, ca, this.#tls.ca];
  }

  async #answers(): Promise<void> {
    await this.ctl("get", "none").catch((error) => {
      if (!String(error).includes("user name is empty")) throw error;
    });
  }
}

async function accepts(port: number): Promise<void> {
  const socket = connect(port, "127.0.0.1");
  try {
    await once(socket, "connect");
  } finally {
    socket.destroy();
  }
}
