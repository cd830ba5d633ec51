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
  /** Further flags. */
  readonly flags?: readonly string[];
}

/** One member beside others. */
interface Membership {
  readonly name: string;
  readonly initialCluster: string;
}

/** As etcd's JSON gateway gives it. */
interface GatewayPair {
  readonly key: string;
  readonly value?: string;
}

export interface WrittenAt {
  readonly revision: bigint;
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
  readonly #flags: readonly string[];
  #membership: Membership;
  #process: ChildProcess | undefined;
  #output = "";
  #backups = 0;

  private constructor(
    [port, peerPort]: readonly [number, number],
    folder: string,
    { tls, flags = [] }: TestEtcdOptions,
  ) {
    this.port = port;
    this.#peerPort = peerPort;
    this.#folder = folder;
    this.#binaries = locateEtcd();
    this.#tls = tls;
    this.#flags = flags;
    this.#membership = { name: "test", initialCluster: `test=${this.#peerUrl}` };
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

  /** Three members that run as one cluster; each ends with the stack it is given. */
  static async startCluster(stack: AsyncDisposableStack): Promise<readonly TestEtcd[]> {
    const members: TestEtcd[] = [];
    while (members.length < 3) members.push(stack.use(await TestEtcd.prepare()));
    const names = members.map((member, index) => ({ member, name: `member-${index}` }));
    const initialCluster = names.map(({ member, name }) => `${name}=${member.#peerUrl}`).join(",");
    for (const { member, name } of names) member.#join({ name, initialCluster });
    await Promise.all(members.map((member) => member.run()));
    return members;
  }

  get endpoint(): string {
    return `127.0.0.1:${this.port}`;
  }

  #join(membership: Membership): void {
    this.#membership = membership;
  }

  get #peerUrl(): string {
    return `http://127.0.0.1:${this.#peerPort}`;
  }

  get #data(): string {
    return join(this.#folder, "data");
  }

  /** Starts it, on the data it had. Resolves once it answers. */
  async run(): Promise<void> {
    const client = `${this.#tls === undefined ? "http" : "https"}://${this.endpoint}`;
    const peer = this.#peerUrl;
    const { name, initialCluster } = this.#membership;
    const child = spawn(
      this.#binaries.etcd,
      [
        ...["--name", name, "--data-dir", this.#data, "--logger", "zap"],
        ...["--listen-client-urls", client, "--advertise-client-urls", client],
        ...["--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer],
        ...["--initial-cluster", initialCluster],
        ...this.#flags,
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

  /**
   * One transaction through etcd's JSON gateway, which takes about a millisecond; `undefined` deletes. Rejects when it is not
   * known to have been written.
   */
  async write(
    pairs: Readonly<Record<string, string | undefined>>,
    token?: string,
  ): Promise<WrittenAt> {
    const success = Object.entries(pairs).map(([key, value]) =>
      value === undefined
        ? { requestDeleteRange: { key: base64(key) } }
        : { requestPut: { key: base64(key), value: base64(value) } },
    );
    const answer = (await this.#post("kv/txn", { success }, token)) as {
      readonly header: { readonly revision: string };
    };
    return { revision: BigInt(answer.header.revision) };
  }

  /** All pairs below a prefix through the JSON gateway: an oracle that shares nothing with the client under test. */
  async read(prefix: string, token?: string): Promise<Map<string, string>> {
    const end = Buffer.from(prefix);
    end[end.length - 1] = (end.at(-1) ?? 0) + 1;
    const range = { key: base64(prefix), range_end: end.toString("base64") };
    const answer = (await this.#post("kv/range", range, token)) as {
      readonly kvs?: readonly GatewayPair[];
    };
    const text = (encoded = "") => Buffer.from(encoded, "base64").toString();
    return new Map((answer.kvs ?? []).map(({ key, value }) => [text(key), text(value)]));
  }

  /** A token for `read()` and `write()`. */
  async login(name: string, password: string): Promise<string> {
    const answer = await this.#post("auth/authenticate", { name, password });
    return (answer as { readonly token: string }).token;
  }

  async #post(path: string, body: unknown, token?: string): Promise<unknown> {
    const response = await fetch(`http://${this.endpoint}/v3/${path}`, {
      method: "POST",
      body: JSON.stringify(body),
      headers: token === undefined ? {} : { authorization: token },
      signal: AbortSignal.timeout(10_000),
    });
    const answer: unknown = await response.json();
    if (!response.ok) throw new Error(`etcd's gateway: ${JSON.stringify(answer)}`);
    return answer;
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

  /** A backup, as `etcdctl snapshot save` makes it. */
  async backUp(): Promise<string> {
    this.#backups += 1;
    const file = join(this.#folder, `backup-${this.#backups}.db`);
    await this.ctl("snapshot", "save", file);
    return file;
  }

  /** Ends it and puts a backup in its place; a `token` makes it another cluster. Not started. */
  async restore(backup: string, token = "etcd-cluster"): Promise<void> {
    await this.wipe();
    const { name, initialCluster } = this.#membership;
    await this.ctl(
      ...["snapshot", "restore", backup, "--data-dir", this.#data, "--name", name],
      ...["--initial-cluster", initialCluster, "--initial-cluster-token", token],
      ...["--initial-advertise-peer-urls", this.#peerUrl],
    );
  }

  /** As a member replaced by an empty one: the revision starts anew, the cluster id stays. */
  async wipe(): Promise<void> {
    await this.kill();
    await rm(this.#data, { recursive: true, force: true });
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

function base64(text: string): string {
  return Buffer.from(text).toString("base64");
}

async function accepts(port: number): Promise<void> {
  const socket = connect(port, "127.0.0.1");
  try {
    await once(socket, "connect");
  } finally {
    socket.destroy();
  }
}
