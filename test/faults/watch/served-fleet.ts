/**
 * etcd, one control plane behind a fault proxy, and a data plane as processes, with a prober that runs through it all. What must be
 * served is read off a plain dump: no product code tells it.
 */
import assert from "node:assert/strict";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { dumpDigest } from "../../support/dump-digest.ts";
import { TestEtcd } from "../../support/etcd.ts";
import { FaultProxy } from "../../support/fault-proxy.ts";
import { Fleet, get, Origin, Prober, served } from "../../support/fleet.ts";
import { freePort, type Program } from "../../support/program.ts";
import type { SeededRandom } from "../../support/seeded-random.ts";
import { within } from "../support/within.ts";

const prefix = "traefik/";
const hostOf = (name: string) => `${name}.test`;

export class ServedFleet implements AsyncDisposable {
  readonly etcd: TestEtcd;
  readonly proxy: FaultProxy;
  readonly prober: Prober;
  readonly address: string;
  readonly #origins: readonly Origin[];
  readonly #programs: Readonly<Record<"controlPlane" | "dataPlane", Program>>;
  readonly #stack: AsyncDisposableStack;
  readonly #removed = new Set<string>();
  #added = 0;

  private constructor(init: {
    readonly etcd: TestEtcd;
    readonly proxy: FaultProxy;
    readonly address: string;
    readonly origins: readonly Origin[];
    readonly programs: Readonly<Record<"controlPlane" | "dataPlane", Program>>;
    readonly stack: AsyncDisposableStack;
  }) {
    this.etcd = init.etcd;
    this.proxy = init.proxy;
    this.address = init.address;
    this.#origins = init.origins;
    this.#programs = init.programs;
    this.#stack = init.stack;
    this.prober = init.stack.use(new Prober(init.address, { host: hostOf("steady") }));
  }

  static async start(routers: number): Promise<ServedFleet> {
    await using stack = new AsyncDisposableStack();
    const etcd = stack.use(await TestEtcd.start());
    const proxy = stack.use(await FaultProxy.start(etcd.port));
    const origins: Origin[] = [];
    for (const name of ["a", "b", "c"]) origins.push(stack.use(await Origin.start(name)));
    for (const { name, url } of origins) {
      await etcd.write({ [`${prefix}http/services/${name}/loadBalancer/servers/0/url`]: url });
    }
    await etcd.write(router("steady", "a"));
    for (let i = 0; i < routers; i++) await etcd.write(router(`r${i}`, "a"));
    const fleet = stack.use(await Fleet.create());
    const port = await freePort();
    const controlPlane = fleet.controlPlane(`--providers.etcd.endpoints=${proxy.endpoint}`);
    const dataPlane = fleet.dataPlane({
      flags: [`--entryPoints.web.address=127.0.0.1:${port}`],
    });
    const address = `127.0.0.1:${port}`;
    await served(address, "a", { host: hostOf("steady") }, 20_000).catch((error) => {
      throw new Error(`${controlPlane.transcript()}\n${dataPlane.transcript()}`, { cause: error });
    });
    const programs = { controlPlane, dataPlane };
    return new ServedFleet({ etcd, proxy, address, origins, programs, stack: stack.move() });
  }

  /** Moves, adds and removes some routers, each by a transaction of its own. */
  async edit(random: SeededRandom, count: number): Promise<void> {
    const dump = await this.etcd.read(`${prefix}http/routers/`);
    const names = [...routersOf(dump).keys()].filter((name) => name !== "steady");
    for (let i = 0; i < count; i++) {
      const name = random.pick(names);
      const service = random.pick(this.#origins).name;
      const kind = random.below(20);
      // Few: a mass removal would be held back.
      if (kind === 0 && !this.#removed.has(name)) {
        await this.etcd.write(router(name, undefined));
        this.#removed.add(name);
      } else if (kind < 5) {
        this.#added += 1;
        await this.etcd.write(router(`added-${this.#added}`, service));
      } else if (!this.#removed.has(name)) {
        await this.etcd.write(router(name, service));
      }
    }
  }

  /**
   * The data plane holds what a dump of etcd says and what the control plane committed; routers drawn from the dump are served by
   * the backend it names, removed ones by nobody.
   */
  async isWhatEtcdHolds(random: SeededRandom, withinMs: number): Promise<void> {
    const dump = await this.etcd.read(prefix);
    const expected = dumpDigest(dump);
    let told = "";
    await within(withinMs, "the digest of the dump", async () => {
      const held = await this.#page("dataPlane", "/snapshot");
      told = `${held["digest"]}`;
      return digestOfSource(held) === expected;
    });
    const committed = await this.#page("controlPlane", "/api/fleet/generation");
    assert.equal(told, committed["digest"]);
    const routers = [...routersOf(dump)];
    for (let i = 0; i < 50; i++) {
      const [name, service] = random.pick(routers);
      const { status, body } = await get(this.address, { host: hostOf(name) });
      assert.deepEqual([status, body], [200, service], name);
    }
    for (const name of [...this.#removed].slice(-10)) {
      assert.equal((await get(this.address, { host: hostOf(name) })).status, 404, name);
    }
  }

  /** Metric of the control plane. */
  async metric(name: string): Promise<number> {
    const page = await get(await this.#programs.controlPlane.address("admin"), {
      path: "/metrics",
    });
    return Number(new RegExp(`^${name}(?:{.*})? (\\S+)$`, "m").exec(page.body)?.[1]);
  }

  /**
   * Threads of both processes, and open files: all of the control plane, and what of the data plane's is no socket, for those are as many
   * as the prober and the pools of the services happen to use.
   */
  handles(): Readonly<Record<"files" | "threads", number>> {
    const { controlPlane, dataPlane } = this.#programs;
    return {
      files:
        openFiles(controlPlane.pid).length +
        openFiles(dataPlane.pid).filter((target) => !target.startsWith("socket:")).length,
      threads: sum(
        [controlPlane, dataPlane].map(({ pid }) => readdirSync(`/proc/${pid}/task`).length),
      ),
    };
  }

  residentBytes(): number {
    return sum(
      Object.values(this.#programs).map(({ pid }) => {
        const pages = Number(readFileSync(`/proc/${pid}/statm`, "utf8").split(" ")[1]);
        return pages * 4_096;
      }),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }

  async #page(which: "controlPlane" | "dataPlane", path: string): Promise<Record<string, unknown>> {
    return JSON.parse((await get(await this.#programs[which].address("admin"), { path })).body);
  }
}

function router(name: string, service: string | undefined): Record<string, string | undefined> {
  const path = `${prefix}http/routers/${name}`;
  const rule = service === undefined ? undefined : `Host(\`${hostOf(name)}\`)`;
  return { [`${path}/rule`]: rule, [`${path}/service`]: service };
}

/** Router → service, as the pairs of a dump say. */
function routersOf(dump: ReadonlyMap<string, string>): Map<string, string> {
  const routers = new Map<string, string>();
  for (const [key, value] of dump) {
    const name = /^traefik\/http\/routers\/([^/]+)\/service$/.exec(key)?.[1];
    if (name !== undefined) routers.set(name, value);
  }
  return routers;
}

function digestOfSource(snapshot: Record<string, unknown>): string | undefined {
  const sources = snapshot["sources"] as Record<string, { readonly digest: string }> | undefined;
  return sources?.["etcd"]?.digest;
}

function openFiles(pid: number): string[] {
  return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`);
    } catch {
      return []; // closed meanwhile
    }
  });
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
