/** A control plane's last two stages, publisher and stream, over a store in memory, with scripted data planes. */
import type { Resource, ResourceKey } from "../../config-model/snapshot/resource.ts";
import type { SnapshotDelta } from "../../config-model/snapshot/snapshot-delta.ts";
import type { CommittedState } from "../../control-plane/snapshot-store/committed-state.ts";
import { GenerationPublisher } from "../../control-plane/snapshot-store/generation-publisher.ts";
import {
  FleetService,
  type FleetServiceInit,
  type FleetServiceTimes,
} from "../../control-plane/stream/fleet-service.ts";
import { MemorySnapshotStore } from "./memory-snapshot-store.ts";
import { grpcDial, ScriptedDataPlane } from "./scripted-data-plane.ts";
import { silentLog } from "./silent-log.ts";
import { until } from "./until.ts";

export interface FleetFixtureInit {
  readonly resources?: readonly Resource[];
  readonly store?: MemorySnapshotStore;
  readonly times?: Partial<FleetServiceTimes>;
  /** Where it listens; a free port by default. */
  readonly address?: string;
  /** What the stream sees in place of the committed state: a guard switched off, or a count. */
  readonly committed?: (committed: CommittedState) => CommittedState;
  readonly stream?: Pick<FleetServiceInit, "admission" | "rejection" | "alternates">;
}

const fastTimes: Partial<FleetServiceTimes> = {
  heartbeatMs: 50,
  failureBackoff: { baseMs: 4, maxMs: 20 },
  drainGraceMs: 200,
};

export class FleetFixture implements AsyncDisposable {
  readonly store: MemorySnapshotStore;
  readonly publisher: GenerationPublisher;
  readonly service: FleetService;
  readonly #closers = new Map<ScriptedDataPlane, () => void>();

  private constructor(
    store: MemorySnapshotStore,
    { times = {}, committed = (unchanged) => unchanged, stream = {} }: FleetFixtureInit,
  ) {
    this.store = store;
    this.publisher = new GenerationPublisher({ store, log: silentLog });
    this.service = new FleetService({
      controlPlaneId: "control-plane-1",
      committed: committed(this.publisher.committed),
      sourceOf: ({ name }: ResourceKey) => {
        if (name.startsWith("faulty")) throw new Error("the lookup is broken");
        return name.startsWith("r")
          ? { provider: "etcd", location: `traefik/http/${name}` }
          : undefined;
      },
      log: silentLog,
      times: { ...fastTimes, ...times },
      ...stream,
    });
  }

  static async start(init: FleetFixtureInit = {}): Promise<FleetFixture> {
    const { resources = [], address = "127.0.0.1:0" } = init;
    const store =
      init.store ?? new MemorySnapshotStore("fleet-a", { upserts: resources, removals: [] });
    const fixture = new FleetFixture(store, init);
    await fixture.publisher.start(new AbortController().signal);
    fixture.publisher.publishReady();
    await fixture.service.listen({ address, security: { kind: "insecure" } });
    return fixture;
  }

  get address(): string {
    const [address] = this.service.addresses;
    if (address === undefined) throw new Error("the fixture does not listen");
    return address;
  }

  /** Connected unless told otherwise; closed with the fixture. */
  node(nodeId = "node-1", connect = true): ScriptedDataPlane {
    const { dial, close } = grpcDial(this.address);
    const node = new ScriptedDataPlane({ nodeId, dial });
    this.#closers.set(node, () => {
      node.disconnect();
      close();
    });
    if (connect) node.connect();
    return node;
  }

  /** Ends its stream and its connection. */
  close(node: ScriptedDataPlane): void {
    this.#closers.get(node)?.();
    this.#closers.delete(node);
  }

  upsert(...upserts: Resource[]): void {
    this.publisher.publish({ upserts, removals: [] });
  }

  publish(delta: SnapshotDelta): void {
    this.publisher.publish(delta);
  }

  remove(...removals: ResourceKey[]): void {
    this.publisher.publish({ upserts: [], removals });
  }

  isInSync(node: ScriptedDataPlane): boolean {
    const { head } = this.publisher.committed;
    return (
      head?.generation !== undefined &&
      head.digest !== undefined &&
      node.generation?.number === head.generation.number &&
      Buffer.compare(node.digest, head.digest) === 0 &&
      this.service.status.node(node.nodeId)?.inSync === true
    );
  }

  async untilInSync(...nodes: readonly ScriptedDataPlane[]): Promise<void> {
    await until(
      "nodes in sync",
      // What was published a moment ago is committed.
      () => this.publisher.isSettled && nodes.every((node) => this.isInSync(node)),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const close of this.#closers.values()) close();
    await this.service.stop();
    await this.publisher.stop();
    await this.store.stop();
  }
}
