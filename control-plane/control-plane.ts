/**
 * A control plane: the composition root that sees every stage. Data flows one way through it:
 * providers → aggregator → watcher → compiler → publisher (snapshot store) → stream.
 */
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import type { SnapshotDelta } from "../config-model/snapshot/snapshot-delta.ts";
import type {
  EtcdConnectionConfig,
  FleetConfig,
  StaticConfiguration,
} from "../config-model/static/static-configuration.ts";
import { staticDigest } from "../config-model/static/static-digest.ts";
import { AdminServer } from "../foundation/admin/admin-server.ts";
import { errorText } from "../foundation/error-text.ts";
import { parseHostPort } from "../foundation/format-address.ts";
import type { Logger } from "../foundation/log.ts";
import { SerialQueue } from "../foundation/serial-queue.ts";
import { StateDirectory } from "../foundation/state-directory.ts";
import { TurnSlice } from "../foundation/turn-slice.ts";
import { ProviderAggregator } from "./aggregator/provider-aggregator.ts";
import { adminTokenName, loadAdminToken } from "./api/admin-token.ts";
import type { EtcdFigures } from "./api/etcd-figures.ts";
import { fleetActions } from "./api/fleet-actions.ts";
import { fleetPages } from "./api/fleet-pages.ts";
import { type ConfigCounts, createConfigCounts } from "./api/metrics-page.ts";
import { DiagnosticCollection } from "./compiler/diagnostic-collection.ts";
import { SnapshotCompiler } from "./compiler/snapshot-compiler.ts";
import type { ControlPlaneOptions } from "./control-plane-options.ts";
import type { WatchCounts } from "./etcd/watch-prefix.ts";
import { FleetCoordination } from "./fleet-coordination.ts";
import { FileProvider } from "./provider/file-provider.ts";
import { InternalProvider } from "./provider/internal-provider.ts";
import type { Provider } from "./provider/provider.ts";
import type { EtcdSnapshotStore } from "./snapshot-store/etcd-snapshot-store.ts";
import { GenerationPublisher } from "./snapshot-store/generation-publisher.ts";
import { LocalSnapshotStore } from "./snapshot-store/local-snapshot-store.ts";
import type { SnapshotStore } from "./snapshot-store/snapshot-store.ts";
import { FleetService, type StreamEndpoint } from "./stream/fleet-service.ts";
import type { StreamSecurity } from "./stream/stream-credentials.ts";
import { ConfigurationWatcher } from "./watcher/configuration-watcher.ts";
import { withholdsKeys } from "./withholds-keys.ts";

/** For tests that show what a guard is for, and for what a program embeds; everything has its default. */
export interface ControlPlaneParts {
  readonly store?: SnapshotStore;
  /** In place of those the configuration names. */
  readonly providers?: (configured: readonly Provider[]) => readonly Provider[];
  /** A first generation waits until every source has been read whole. */
  readonly awaitsSources?: boolean;
  readonly leaseTtlSeconds?: number;
  readonly censusMs?: number;
}

export interface ControlPlaneInit {
  readonly parts?: ControlPlaneParts;
  readonly options: ControlPlaneOptions;
  readonly log: Logger;
}

/** Root of the snapshot store in etcd, unless `fleet.store.etcd.rootKey` says otherwise. */
const defaultStoreRoot = "switchyard";
/** How long streams and heartbeats may wait for a large batch. */
const compileSliceMs = 10;
/** One file with a mistake keeps nobody from the others: what is there has been read. */
const localProviders: ReadonlySet<string> = new Set(["file", "internal"]);
/** A provider that has neither read its source nor said that it cannot by then is worth a line. */
const firstWordMs = 10_000;

export class ControlPlane {
  readonly #options: ControlPlaneOptions;
  readonly #log: Logger;
  readonly #parts: ControlPlaneParts;
  /** With the store in etcd: what the replicas agree on there. */
  #replicated: EtcdSnapshotStore | undefined;
  readonly #stopping = new AbortController();
  readonly #failed = Promise.withResolvers<never>();
  readonly #resources = new AsyncDisposableStack();
  readonly #internalProvider: InternalProvider;
  /** As read last. */
  #static: StaticConfiguration;
  #fileProvider: FileProvider | undefined;
  #watchCounts: WatchCounts | undefined;
  #stopped: Promise<void> | undefined;

  constructor({ options, log, parts = {} }: ControlPlaneInit) {
    this.#parts = parts;
    this.#options = options;
    this.#log = log;
    this.#static = options.configuration;
    this.#internalProvider = new InternalProvider(options.configuration);
    this.#failed.promise.catch(() => {}); // whoever waits learns of it; nobody has to
  }

  /** Never resolves; rejects when the control plane cannot go on. */
  get failed(): Promise<never> {
    return this.#failed.promise;
  }

  /**
   * Resolves once every listener is bound; reading the store and the providers goes on meanwhile, for as long as it
   * takes. Rejects with one sentence for the operator.
   */
  async start(): Promise<void> {
    const resources = this.#resources;
    resources.use(await StateDirectory.open({ path: this.#options.stateDir, flag: "--state-dir" }));
    const store = await this.#createStore();
    resources.defer(() => store.stop());

    const { configuration, streamAddress } = this.#options;
    const isWithholding = withholdsKeys(configuration.fleet, streamAddress);
    const compiler = new SnapshotCompiler({
      precedence: this.#options.configuration.providers.precedence,
      withholdsKeys: isWithholding,
    });
    const diagnostics = new DiagnosticCollection({ log: this.#log });
    const counts = createConfigCounts();
    const coordination: FleetCoordination = resources.use(
      new FleetCoordination({
        store,
        guardPercent: this.#options.configuration.fleet.guardPercent,
        censusMs: this.#parts.censusMs,
        isComplete: (provider) => watcher.isComplete(provider),
        head: () => publisher.committed.head,
        connected: () => service.status.nodes(),
        onChange: () => publisher.publish(nothing),
        log: this.#log,
      }),
    );
    const publisher: GenerationPublisher = resources.use(
      new GenerationPublisher({
        store,
        log: this.#log,
        guard: coordination.guard,
        onNote: (note) => coordination.onNote(note),
        carryOver: (delta) => {
          compiler.carryOver(delta);
          watcher.carryOver(delta);
        },
      }),
    );
    const providers = await this.#createProviders();
    const etcd = await this.#etcdFigures(resources);
    const compiling = new SerialQueue();
    // Of a fleet that has a generation, what an unread source said last is known; a new one would begin with a part.
    const isFirstWhole = () =>
      this.#parts.awaitsSources === false ||
      publisher.committed.head?.generation !== undefined ||
      providers.every(({ name }) => localProviders.has(name) || watcher.isComplete(name));
    const watcher = new ConfigurationWatcher({
      providers: providers.map(({ name }) => name),
      onBatch: ({ changes, sources }) => {
        const compiled = compiling.run(async () => {
          const { delta, diagnostics: said } = await new TurnSlice(compileSliceMs).run(
            compiler.steps(changes),
          );
          if (this.#stopping.signal.aborted) return;
          count(counts, changes.length, delta);
          diagnostics.reportObjects(said);
          publisher.publish(delta, sources);
          if (isFirstWhole()) publisher.publishReady();
        });
        compiled.catch((error: unknown) => this.#failed.reject(error));
      },
      onProblems: (provider, problems) => diagnostics.reportSource(provider, problems),
    });
    const aggregator = resources.use(
      new ProviderAggregator({
        providers,
        throttleMs: this.#options.configuration.providers.throttleMs,
        deliver: (tagged) => watcher.accept(tagged),
        log: this.#log,
      }),
    );
    const service = resources.use(
      new FleetService({
        controlPlaneId: `${hostname()}-${randomBytes(3).toString("hex")}`,
        committed: publisher.committed,
        withholdsKeys: isWithholding,
        sourceOf: (key) => compiler.sourceOf(key),
        rejection: this.#options.configuration.fleet.rejection,
        onHello: (node) => coordination.onHello(node),
        alternates: () => (this.#replicated?.others ?? []).flatMap(({ stream }) => stream ?? []),
        log: this.#log,
      }),
    );
    const admin = resources.use(
      new AdminServer({
        name: "control-plane",
        address: this.#options.adminAddress,
        isMovable: this.#options.isAdminMovable,
        pages: fleetPages({
          version: this.#options.version,
          startedAt: new Date(),
          counts,
          diagnostics: () => diagnostics.all(),
          diagnosticCounts: () => diagnostics.counts,
          nodes: () => service.status.nodes(),
          streamCounts: service.counts,
          head: () => publisher.committed.head,
          holds: () => coordination.guard.holds(),
          isLeading: () => coordination.isLeading,
          sizes: () => publisher.sizes,
          staticState: () => this.#replicated?.staticState,
          others: () => this.#replicated?.others ?? [],
          ...(etcd !== undefined && { etcd }),
        }),
        actions: fleetActions({
          holds: () => coordination.guard.holds(),
          note: (name) => coordination.note(name),
          writeNote: (change) => coordination.writeNote(change),
          adoptStatic: async () => (await this.#replicated?.adoptStatic()) ?? true,
          adoptFleet: (fleetId) => store.adoptFleet(fleetId),
        }),
        token: await loadAdminToken(
          this.#options.configuration.fleet.adminTokenFile ??
            join(this.#options.stateDir, adminTokenName),
        ),
        log: this.#log,
      }),
    );
    resources.defer(() => clearTimeout(waiting));
    const waiting = setTimeout(() => {
      const providers = watcher.pendingProviders.join(", ");
      if (providers !== "")
        this.#log.warn("still waiting for the first word of providers", { providers });
    }, firstWordMs).unref();
    // Providers speak once the store has been read: what it holds is what an unread provider is served with.
    const read = publisher.start(this.#stopping.signal).then(() => {
      if (!this.#stopping.signal.aborted) aggregator.start(this.#stopping.signal);
    });
    read.catch((error: unknown) => this.#failed.reject(error));
    for (const endpoint of this.#streamEndpoints()) await service.listen(endpoint);
    await admin.start();
  }

  /**
   * The file provider reads its files again. Of another static configuration, entry points and node settings take the
   * place of those there were; nothing else of it is looked at.
   */
  reload(configuration: StaticConfiguration | undefined): void {
    if (configuration !== undefined) {
      this.#static = configuration;
      void this.#replaceStatic(configuration);
    }
    this.#fileProvider?.reload();
  }

  /** Whoever may not lead with it any more has to know before it is compiled. */
  async #replaceStatic(configuration: StaticConfiguration): Promise<void> {
    try {
      await this.#replicated?.useStaticDigest(staticDigest(configuration));
    } catch (error) {
      this.#log.warn("other control planes could not be asked about the static configuration", {
        error,
      });
    }
    // Of two that came one after the other the newer one counts, whichever answer came first.
    if (this.#stopping.signal.aborted || this.#static !== configuration) return;
    this.#internalProvider.update(configuration);
  }

  /** Nodes are sent elsewhere, a commit under way ends, everything closes. Repeatable. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    this.#stopping.abort();
    await this.#resources.disposeAsync();
  }

  async #createStore(): Promise<SnapshotStore> {
    if (this.#parts.store !== undefined) return this.#parts.store;
    const { providers, fleet } = this.#options.configuration;
    const etcd = storeInEtcd(fleet, providers.etcd);
    if (etcd === undefined) {
      const file = join(this.#options.stateDir, "generations.db");
      this.#log.info("snapshot store", { store: "local", file });
      return new LocalSnapshotStore({ file, log: this.#log });
    }
    this.#log.info("snapshot store", {
      store: "etcd",
      endpoints: etcd.endpoints.join(","),
      rootKey: etcd.rootKey,
    });
    // Loading the etcd client takes longer than everything else together: only who needs it pays.
    const { EtcdSnapshotStore } = await import("./snapshot-store/etcd-snapshot-store.ts");
    const { leaseTtlSeconds } = this.#parts;
    this.#replicated = new EtcdSnapshotStore({
      etcd,
      log: this.#log,
      staticDigest: staticDigest(this.#options.configuration),
      streamAddress: reachableAddress(this.#options.streamAddress),
      ...(leaseTtlSeconds !== undefined && { leaseTtlSeconds }),
    });
    return this.#replicated;
  }

  /** File first, so that its first reading is there when the others begin; internal last, as in Traefik. */
  async #createProviders(): Promise<readonly Provider[]> {
    const { file, etcd } = this.#options.configuration.providers;
    const providers: Provider[] = [];
    if (file !== undefined) {
      this.#fileProvider = new FileProvider({ config: file, log: this.#log });
      providers.push(this.#fileProvider);
    }
    if (etcd !== undefined) {
      const { EtcdProvider } = await import("./provider/etcd-provider.ts");
      const provider = new EtcdProvider({ etcd, log: this.#log });
      this.#watchCounts = provider.counts;
      providers.push(provider);
    }
    providers.push(this.#internalProvider);
    return this.#parts.providers?.(providers) ?? providers;
  }

  /** Each etcd is asked how full it is; one that serves both uses is asked once. */
  async #etcdFigures(resources: AsyncDisposableStack): Promise<EtcdFigures | undefined> {
    const { providers, fleet } = this.#options.configuration;
    const store = storeInEtcd(fleet, providers.etcd);
    const uses: [string, EtcdConnectionConfig][] = [];
    if (store !== undefined) uses.push(["store", store]);
    const isShared = providers.etcd?.endpoints.join() === store?.endpoints.join();
    if (providers.etcd !== undefined && !isShared) uses.push(["provider", providers.etcd]);
    if (uses.length === 0) return undefined;
    const { EtcdDatabase } = await import("./etcd/etcd-database.ts");
    const databases = uses.map(([use, etcd]) => {
      const database = resources.use(new EtcdDatabase({ etcd, log: this.#log }));
      database.start();
      return { use, status: () => database.status };
    });
    return { databases, watch: this.#watchCounts };
  }

  #streamEndpoints(): StreamEndpoint[] {
    const { streamSocket, streamAddress } = this.#options;
    const endpoints: StreamEndpoint[] = [];
    if (streamSocket !== undefined) {
      endpoints.push({ address: `unix:${streamSocket}`, security: { kind: "insecure" } });
    }
    if (streamAddress !== undefined) {
      const security = streamSecurity(this.#options.configuration.fleet);
      endpoints.push({ address: withHost(streamAddress), security });
    }
    return endpoints;
  }
}

/** Absent where it says no host that others could dial. */
function reachableAddress(address: string | undefined): string | undefined {
  const host = address && parseHostPort(address)?.host;
  return host === undefined || ["", "0.0.0.0", "::"].includes(host) ? undefined : address;
}

const nothing: SnapshotDelta = { upserts: [], removals: [] };

function count(counts: ConfigCounts, changes: number, { upserts, removals }: SnapshotDelta): void {
  counts.batches += 1;
  counts.changes += changes;
  counts.upserts += upserts.length;
  counts.removals += removals.length;
}

function storeInEtcd(
  { store }: FleetConfig,
  provider: EtcdConnectionConfig | undefined,
): EtcdConnectionConfig | undefined {
  if (store?.kind === "etcd") return store.etcd;
  if (store?.kind === "local" || provider === undefined) return undefined;
  return { ...provider, rootKey: defaultStoreRoot };
}

/** Throws when a TCP stream would be open to everybody without the operator having said so. */
function streamSecurity({ stream, insecure }: FleetConfig): StreamSecurity {
  if (stream.tls !== undefined) {
    const { cert, key, clientCa } = stream.tls;
    return {
      kind: "mtls",
      cert: readPem("fleet.stream.tls.cert", cert),
      key: readPem("fleet.stream.tls.key", key),
      clientCa: readPem("fleet.stream.tls.clientCA", clientCa),
    };
  }
  if (insecure) return { kind: "insecure" };
  throw new Error(
    "The stream needs fleet.stream.tls.cert, .key and .clientCA (or fleet.insecure: true, for one machine only)",
  );
}

function readPem(key: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    const reason = errorText(error);
    throw new Error(`Cannot read ${key}: ${reason}`, { cause: error });
  }
}

/** `:18000` is every interface. */
function withHost(address: string): string {
  const parsed = parseHostPort(address);
  return parsed?.host === "" ? `[::]:${parsed.port}` : address;
}
