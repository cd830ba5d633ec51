/**
 * Control planes, data planes and services as processes on one machine, with a configuration file or an etcd for a source,
 * and a prober. Parts that lack a guard run as a program of the tests' own.
 */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AgentOptions } from "../../../data-plane/agent/agent-options.ts";
import { get, Origin, Prober } from "../../support/fleet.ts";
import { freePort, Program } from "../../support/program.ts";
import type { ChosenParts } from "../support/control-plane-with-parts.ts";
import { within } from "../support/within.ts";

const support = join(import.meta.dirname, "../support");
const withParts = join(support, "control-plane-with-parts.ts");
const withTuning = join(support, "data-plane-with-tuning.ts");

export interface ControlPlaneChoice {
  /** Of its state directory. */
  readonly name?: string;
  readonly streamPort?: number;
  /** Absent: the program as it is. */
  readonly parts?: ChosenParts;
  readonly flags?: readonly string[];
}

export interface DataPlaneChoice {
  /** Absent: the program as it is. */
  readonly tuning?: AgentOptions["tuning"];
  readonly stateDir?: string;
  readonly controlPlanes?: string;
  readonly readyMaxAgeSeconds?: number;
  readonly port?: number;
  readonly nodeId?: string;
}

export class OutageWorld implements AsyncDisposable {
  readonly directory: string;
  readonly streamPort: number;
  /** Of the entry point of a data plane that is not told another. */
  readonly port: number;
  readonly origins: readonly [Origin, Origin];
  readonly #stack: AsyncDisposableStack;

  private constructor(
    directory: string,
    ports: readonly [number, number],
    origins: readonly [Origin, Origin],
    stack: AsyncDisposableStack,
  ) {
    this.directory = directory;
    [this.streamPort, this.port] = ports;
    this.origins = origins;
    this.#stack = stack;
  }

  static async start(): Promise<OutageWorld> {
    const stack = new AsyncDisposableStack();
    const directory = await mkdtemp(join(tmpdir(), "switchyard-outage-"));
    stack.defer(() => rm(directory, { recursive: true, force: true }));
    const origins = [
      stack.use(await Origin.start("a")),
      stack.use(await Origin.start("b")),
    ] as const;
    return new OutageWorld(directory, [await freePort(), await freePort()], origins, stack);
  }

  use<T extends AsyncDisposable>(part: T): T {
    return this.#stack.use(part);
  }

  defer(task: () => Promise<void>): void {
    this.#stack.defer(task);
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  get file(): string {
    return join(this.directory, "dynamic.yml");
  }

  /** A file in which router `steady` leads to `a` or `b`, and `count` others to `a`, each with `text` in its rule. */
  async writeFile(service: "a" | "b", count = 0, text = ""): Promise<void> {
    const [a, b] = this.origins;
    const routers = Array.from(
      { length: count },
      (_, i) => `    r${i}: { rule: "Host(\`r${i}.test\`) && !Path(\`/${text}\`)", service: a }`,
    );
    const lines = [
      "http:",
      "  routers:",
      `    steady: { rule: "Host(\`steady.test\`)", service: ${service} }`,
      ...routers,
      "  services:",
      `    a: { loadBalancer: { servers: [{ url: "${a.url}" }] } }`,
      `    b: { loadBalancer: { servers: [{ url: "${b.url}" }] } }`,
    ];
    await writeFile(this.file, lines.join("\n"));
  }

  controlPlane(choice: ControlPlaneChoice = {}): Program {
    const { name = "control-plane", streamPort = this.streamPort, parts, flags } = choice;
    const own = [
      `--state-dir=${join(this.directory, name)}`,
      `--fleet.stream.address=127.0.0.1:${streamPort}`,
      "--fleet.admin.address=127.0.0.1:0",
      "--fleet.insecure=true",
      "--providers.providersThrottleDuration=0",
      "--entryPoints.web.address=127.0.0.1:0",
      ...(flags ?? [`--providers.file.filename=${this.file}`]),
    ];
    return this.#program(
      parts === undefined
        ? new Program(["control-plane", ...own])
        : new Program([withParts, JSON.stringify(parts), ...own], { command: process.execPath }),
    );
  }

  dataPlane(choice: DataPlaneChoice = {}): Program {
    const { tuning, stateDir = "data-plane", port = this.port } = choice;
    const controlPlanes = choice.controlPlanes ?? `127.0.0.1:${this.streamPort}`;
    const own = [
      `--control-plane=${controlPlanes}`,
      `--state-dir=${join(this.directory, stateDir)}`,
      `--entryPoints.web.address=127.0.0.1:${port}`,
      `--ready-max-age=${choice.readyMaxAgeSeconds ?? 0}`,
      `--node-id=${choice.nodeId ?? "node"}`,
    ];
    return this.#program(
      tuning === undefined
        ? new Program(["data-plane", ...own, "--insecure", "--workers=1", "--admin=127.0.0.1:0"])
        : new Program([withTuning, JSON.stringify(tuning), ...own], { command: process.execPath }),
    );
  }

  prober(): Prober {
    return this.use(new Prober(this.address, { host: "steady.test" }));
  }

  async serves(body: string, withinMs = 15_000, host = "steady.test"): Promise<number> {
    return await within(withinMs, `${host} answers "${body}"`, async () => {
      const answer = await get(this.address, { host }).catch(() => undefined);
      return answer?.body === body;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }

  #program(program: Program): Program {
    return this.#stack.use(program);
  }
}

/** A page of a process's admin, as JSON. */
export async function page(program: Program, path: string): Promise<Record<string, unknown>> {
  return JSON.parse((await get(await program.address("admin"), { path })).body);
}

export async function metric(program: Program, name: string): Promise<number> {
  const { body } = await get(await program.address("admin"), { path: "/metrics" });
  return Number(new RegExp(`^${name}(?:{.*})? (\\S+)$`, "m").exec(body)?.[1]);
}

export async function killed(program: Program): Promise<void> {
  program.kill("SIGKILL");
  await program.exited;
}

/** Runs a `fleet` command against a control plane; its output. */
export async function fleetCommand(
  world: OutageWorld,
  controlPlane: Program,
  args: readonly string[],
  name = "control-plane",
): Promise<string> {
  const admin = await controlPlane.address("admin");
  const token = join(world.directory, name, "admin-token");
  await readFile(token);
  const command = new Program(["fleet", ...args, `--admin=${admin}`, `--token-file=${token}`]);
  const { code } = await command.exited;
  const said = command.lines.map((line) => line["raw"] ?? "").join("\n");
  if (code !== 0) throw new Error(`switchyard fleet ${args.join(" ")}: ${command.stderr}${said}`);
  return said;
}
