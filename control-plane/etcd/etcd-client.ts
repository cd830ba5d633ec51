/**
 * What this project needs of etcd, and the only face of it that other folders see: ranges, transactions, leases and a
 * raw watch, over one endpoint at a time. When a call finds its endpoint silent or gone, the next call goes to
 * the next endpoint over a new connection; reads are tried once on each before they fail, writes never twice.
 */
import type { ICompare, IRangeRequest, IRequestOp, IResponseOp } from "etcd3";
import {
  type ConnectionGuards,
  type EtcdAccess,
  EtcdConnection,
  type WatchCall,
} from "./etcd-connection.ts";
import { EtcdUnavailableError } from "./etcd-error.ts";
import type { KeyRange } from "./key-range.ts";

export interface KeyValue {
  readonly key: Buffer;
  readonly value: Buffer;
  readonly createRevision: string;
  readonly modRevision: string;
}

export interface RangeOptions {
  readonly limit?: number;
  readonly revision?: bigint;
  readonly countOnly?: boolean;
}

export interface RangeResult {
  readonly clusterId: string;
  /** Revision of the whole store when the range was read. */
  readonly revision: bigint;
  readonly pairs: readonly KeyValue[];
  readonly more: boolean;
  readonly count: number;
}

/** Holds when the key has the given revision (0: there is no such key) or value. */
export type Compare =
  | { readonly key: string; readonly target: "create" | "mod"; readonly revision: bigint }
  | { readonly key: string; readonly target: "value"; readonly value: string };

export type Operation =
  | {
      readonly kind: "put";
      readonly key: string;
      readonly value: Uint8Array;
      readonly leaseId?: string;
    }
  | { readonly kind: "delete"; readonly range: KeyRange }
  | { readonly kind: "get"; readonly key: string };

export interface Transaction {
  readonly compare: readonly Compare[];
  readonly success: readonly Operation[];
  readonly failure?: readonly Operation[];
}

export interface TransactionResult {
  readonly succeeded: boolean;
  readonly revision: bigint;
  /** What each `get` found, in order; `undefined` where the key is not there. */
  readonly found: readonly (KeyValue | undefined)[];
}

export interface MemberStatus {
  readonly endpoint: string;
  readonly version: string;
  readonly sizeBytes: number;
  readonly inUseBytes: number;
  readonly alarms: readonly string[];
}

const unaryDeadlineMs = 4_000;
/** A page of a list is larger than other answers, and etcd may be walking a long index for it. */
const rangeDeadlineMs = 10_000;

/** How often the PEM files are looked at. */
const tlsCheckIntervalMs = 10_000;

export interface EtcdClientOptions {
  readonly tlsCheckIntervalMs?: number;
  readonly guards?: Partial<ConnectionGuards>;
}

export class EtcdClient {
  readonly #access: EtcdAccess;
  readonly #options: EtcdClientOptions;
  /** Replaced after a rotation; calls under way end on them. */
  readonly #retired = new Map<EtcdConnection, NodeJS.Timeout>();
  #tlsCheckedAtMs = 0;
  #index = 0;
  #connection: EtcdConnection | undefined;
  #last: EtcdConnection | undefined;
  #closed: boolean = false;

  constructor(access: EtcdAccess, options: EtcdClientOptions = {}) {
    if (access.endpoints.length === 0)
      throw new Error("Cannot use etcd: no endpoint is configured");
    this.#access = access;
    this.#options = options;
  }

  /** The endpoint the next call goes to, for log lines. */
  get endpoint(): string {
    return this.#access.endpoints[this.#index % this.#access.endpoints.length] ?? "";
  }

  async range(range: KeyRange, options: RangeOptions = {}): Promise<RangeResult> {
    const request: IRangeRequest = {
      key: range.start,
      ...(range.end !== undefined && { range_end: range.end }),
      ...(options.limit !== undefined && { limit: options.limit }),
      ...(options.revision !== undefined && { revision: options.revision.toString() }),
      ...(options.countOnly === true && { count_only: true }),
    };
    const deadlineMs = options.limit === undefined ? unaryDeadlineMs : rangeDeadlineMs;
    const answer = await this.#read((connection) =>
      connection.call((etcd, callOptions) => etcd.kv.range(request, callOptions), deadlineMs),
    );
    return {
      clusterId: answer.header.cluster_id,
      revision: BigInt(answer.header.revision),
      pairs: answer.kvs.map(keyValue),
      more: answer.more,
      count: Number(answer.count),
    };
  }

  async transaction({ compare, success, failure = [] }: Transaction): Promise<TransactionResult> {
    const request = {
      compare: compare.map(requestCompare),
      success: success.map(requestOperation),
      failure: failure.map(requestOperation),
    };
    const answer = await this.#write((connection) =>
      connection.call((etcd, options) => etcd.kv.txn(request, options), unaryDeadlineMs),
    );
    return {
      succeeded: answer.succeeded,
      revision: BigInt(answer.header.revision),
      found: foundBy(answer.succeeded ? success : failure, answer.responses),
    };
  }

  async grantLease(ttlSeconds: number): Promise<string> {
    const answer = await this.#write((connection) =>
      connection.call(
        (etcd, options) => etcd.leaseClient.leaseGrant({ TTL: ttlSeconds }, options),
        unaryDeadlineMs,
      ),
    );
    return answer.ID;
  }

  /** Resolves to the seconds the lease now has; 0 when it no longer exists. */
  async keepLeaseAlive(id: string, deadlineMs: number): Promise<number> {
    return await this.#read((connection) => connection.keepLeaseAlive(id, deadlineMs));
  }

  async revokeLease(id: string): Promise<void> {
    await this.#write((connection) =>
      connection.call(
        (etcd, options) => etcd.leaseClient.leaseRevoke({ ID: id }, options),
        unaryDeadlineMs,
      ),
    );
  }

  /** Of the member that answers. */
  async databaseStatus(): Promise<MemberStatus> {
    return await this.#read(async (connection) => {
      const answer = await connection.call(
        (etcd, options) => etcd.maintenance.status(options),
        unaryDeadlineMs,
      );
      return {
        endpoint: connection.endpoint,
        version: answer.version,
        sizeBytes: Number(answer.dbSize),
        inUseBytes: Number(answer.dbSizeInUse),
        alarms: answer.errors,
      };
    });
  }

  /** The raw stream with what classifies its errors. Whoever reads it calls `renew()` when it fails or falls silent. */
  async openWatch(): Promise<{
    readonly call: WatchCall;
    readonly classify: (failure: unknown) => Error;
  }> {
    const connection = this.#current();
    try {
      const call = await connection.openWatch();
      return { call, classify: (failure) => connection.classify(failure) };
    } catch (error) {
      this.#failed(connection, error);
      throw error;
    }
  }

  /** Drops the connection: the next call makes a new one, to the next endpoint when there are several. */
  renew(): void {
    this.#connection?.close();
    this.#connection = undefined;
    this.#index += 1;
  }

  close(): void {
    this.#closed = true;
    for (const [connection, timer] of this.#retired) {
      clearTimeout(timer);
      connection.close();
    }
    this.#connection?.close();
    this.#connection = undefined;
  }

  async #read<Result>(invoke: (connection: EtcdConnection) => Promise<Result>): Promise<Result> {
    for (let left = this.#access.endpoints.length; ; left--) {
      try {
        return await this.#write(invoke);
      } catch (error) {
        if (left <= 1 || this.#closed || !(error instanceof EtcdUnavailableError)) throw error;
      }
    }
  }

  async #write<Result>(invoke: (connection: EtcdConnection) => Promise<Result>): Promise<Result> {
    const connection = this.#current();
    try {
      return await invoke(connection);
    } catch (error) {
      this.#failed(connection, error);
      throw error;
    }
  }

  #failed(connection: EtcdConnection, error: unknown): void {
    if (error instanceof EtcdUnavailableError && connection === this.#connection) this.renew();
  }

  #current(): EtcdConnection {
    if (this.#closed) throw new EtcdUnavailableError("Cannot reach etcd: the client is closed");
    this.#followRotation();
    this.#connection ??= this.#connect();
    return this.#connection;
  }

  #connect(): EtcdConnection {
    this.#tlsCheckedAtMs = performance.now();
    const { guards = {} } = this.#options;
    const before = this.#last;
    this.#last = new EtcdConnection(this.endpoint, this.#access, {
      guards,
      ...(before !== undefined && { before }),
    });
    return this.#last;
  }

  /**
   * A certificate that was replaced on disk is used before the old one expires: the connection is replaced, and the old
   * one closed once nothing can be under way on it. A stream stays where it is.
   */
  #followRotation(): void {
    const old = this.#connection;
    if (old === undefined || this.#access.tls === undefined) return;
    const { tlsCheckIntervalMs: interval = tlsCheckIntervalMs } = this.#options;
    if (performance.now() - this.#tlsCheckedAtMs < interval) return;
    this.#tlsCheckedAtMs = performance.now();
    if (!old.isOutdated()) return;
    try {
      this.#connection = this.#connect();
    } catch {
      return; // half-way through a rotation: the old one is better than none
    }
    const retire = () => {
      this.#retired.delete(old);
      old.close();
    };
    this.#retired.set(old, setTimeout(retire, rangeDeadlineMs + 1_000).unref());
  }
}

interface RawKeyValue {
  readonly key: Buffer;
  readonly value: Buffer;
  readonly create_revision: string;
  readonly mod_revision: string;
}

function keyValue({ key, value, create_revision, mod_revision }: RawKeyValue): KeyValue {
  return { key, value, createRevision: create_revision, modRevision: mod_revision };
}

function requestCompare(compare: Compare): ICompare {
  const base = { result: "Equal", key: Buffer.from(compare.key) } as const;
  switch (compare.target) {
    case "create":
      return { ...base, target: "Create", create_revision: compare.revision.toString() };
    case "mod":
      return { ...base, target: "Mod", mod_revision: compare.revision.toString() };
    case "value":
      return { ...base, target: "Value", value: Buffer.from(compare.value) };
  }
}

function requestOperation(operation: Operation): IRequestOp {
  switch (operation.kind) {
    case "put": {
      const { key, value, leaseId } = operation;
      return {
        request_put: {
          key: Buffer.from(key),
          value: Buffer.from(value.buffer, value.byteOffset, value.byteLength),
          ...(leaseId !== undefined && { lease: leaseId }),
        },
      };
    }
    case "delete": {
      const { start, end } = operation.range;
      return {
        request_delete_range: { key: start, ...(end !== undefined && { range_end: end }) },
      };
    }
    case "get":
      return { request_range: { key: Buffer.from(operation.key) } };
  }
}

function foundBy(
  operations: readonly Operation[],
  responses: readonly IResponseOp[],
): (KeyValue | undefined)[] {
  return operations.flatMap(({ kind }, i) => {
    if (kind !== "get") return [];
    const pair = responses[i]?.response_range.kvs[0];
    return [pair === undefined ? undefined : keyValue(pair)];
  });
}
