/**
 * One etcd3 client on one endpoint, used so that what is known to go wrong in it cannot: no retries of its own (it
 * repeats writes whose reply was lost), a deadline on every call, keepalive, unlimited receive size, TCP connections
 * of its own (grpc-js shares them between channels otherwise, and a watch would wait behind a large read), and our own
 * token handling (its own never refreshes the token of a stream, and authenticates over connections nobody watches).
 *
 * A connection that failed is closed and replaced, never mended: a grpc-js channel whose peer accepts and stays silent
 * can hang for as long as it exists.
 */
import {
  type CallOptions,
  type ChannelCredentials,
  type ChannelOptions,
  InterceptingCall,
  type Interceptor,
  ListenerBuilder,
  status,
} from "@grpc/grpc-js";
import { noop } from "cockatiel";
import { Etcd3, type IDuplexStream, type IWatchRequest, type IWatchResponse } from "etcd3";
import type { EtcdConnectionConfig } from "../../config-model/static/static-configuration.ts";
import {
  classifyEtcdError,
  EtcdRefusedError,
  EtcdStaleTokenError,
  isStaleToken,
  staleTokenDetails,
} from "./etcd-error.ts";
import {
  isSameMaterial,
  readTlsMaterial,
  type TlsMaterial,
  tlsCredentials,
  tlsOptions,
} from "./etcd-tls.ts";

export type EtcdAccess = Pick<EtcdConnectionConfig, "endpoints" | "username" | "password" | "tls">;

export type WatchCall = IDuplexStream<IWatchRequest, IWatchResponse>;

/** Always on; tests switch one off at a time, to see that their fault would be noticed. */
export interface ConnectionGuards {
  /** Messages may be of any size. */
  readonly unlimitedReceive: boolean;
  /** Idle connections are probed. */
  readonly keepalive: boolean;
  /** A token that etcd no longer knows is replaced by a new one. */
  readonly renewsToken: boolean;
  /** A member that has lost its cluster ends the watch, which it would otherwise keep alive without an event. */
  readonly requiresLeader: boolean;
}

const allConnectionGuards: ConnectionGuards = {
  unlimitedReceive: true,
  keepalive: true,
  renewsToken: true,
  requiresLeader: true,
};

function grpcOptions({ unlimitedReceive, keepalive }: ConnectionGuards): ChannelOptions {
  return {
    "grpc.use_local_subchannel_pool": 1,
    ...(unlimitedReceive && { "grpc.max_receive_message_length": -1 }),
    ...(keepalive && {
      // etcd takes pings less than 5 s apart for abuse.
      "grpc.keepalive_time_ms": 5_500,
      "grpc.keepalive_timeout_ms": 2_000,
    }),
  };
}

export class EtcdConnection {
  readonly endpoint: string;
  readonly #access: EtcdAccess;
  readonly #guards: ConnectionGuards;
  readonly #material: TlsMaterial | undefined;
  readonly #etcd: Etcd3;
  /** `undefined` inside: etcd has authentication switched off. */
  #token: Promise<string | undefined> | undefined;

  /**
   * Throws when a PEM file cannot be read. The files are read, and a token is fetched, for every connection; only without
   * the guard it takes over the one that `before` had.
   */
  constructor(
    endpoint: string,
    access: EtcdAccess,
    { guards = {}, before }: { guards?: Partial<ConnectionGuards>; before?: EtcdConnection } = {},
  ) {
    this.endpoint = endpoint;
    this.#access = access;
    this.#guards = { ...allConnectionGuards, ...guards };
    if (before !== undefined && !this.#guards.renewsToken) this.#token = before.#token;
    this.#material = access.tls && readTlsMaterial(access.tls);
    const credentials =
      access.tls && this.#material && tlsCredentials(endpoint, this.#material, access.tls);
    this.#etcd = new Etcd3({
      hosts: endpoint,
      faultHandling: { host: () => noop, global: noop },
      grpcOptions: { ...grpcOptions(this.#guards), ...tlsOptions(endpoint) },
    });
    if (credentials !== undefined) useCredentials(this.#etcd, credentials);
  }

  /** Whether the PEM files hold something else by now. False while they cannot be read. */
  isOutdated(): boolean {
    if (this.#access.tls === undefined || this.#material === undefined) return false;
    try {
      return !isSameMaterial(readTlsMaterial(this.#access.tls), this.#material);
    } catch {
      return false;
    }
  }

  /** One unary call. Rejects with the classes of etcd-error.ts; a stale token is renewed once, which no write has been behind. */
  async call<Result>(
    invoke: (etcd: Etcd3, options: CallOptions) => Promise<Result>,
    deadlineMs: number,
  ): Promise<Result> {
    const attempt = async () => {
      const token = await this.#authenticate();
      return await invoke(this.#etcd, {
        ...callOptions(token),
        deadline: Date.now() + deadlineMs,
      });
    };
    try {
      return await this.#classified(attempt);
    } catch (error) {
      if (!(error instanceof EtcdStaleTokenError) || !this.#guards.renewsToken) throw error;
      this.#token = undefined;
      return await this.#classified(attempt);
    }
  }

  /** The raw watch stream, which has no deadline: its reader must notice silence. */
  async openWatch(): Promise<WatchCall> {
    return await this.#classified(async () => {
      const token = await this.#authenticate();
      const { requiresLeader } = this.#guards;
      return await this.#etcd.watchClient.watch({
        interceptors: [
          ...(token === undefined ? [] : [carryToken(token)]),
          ...(requiresLeader ? [requireLeader] : []),
        ],
      });
    });
  }

  /**
   * One keepalive over a stream of its own: nothing is left behind that could go stale. Resolves to the seconds the lease
   * now has, 0 when it no longer exists.
   */
  async keepLeaseAlive(id: string, deadlineMs: number): Promise<number> {
    return await this.call(async (etcd, options) => {
      const stream = await etcd.leaseClient.leaseKeepAlive(options);
      return await new Promise<number>((resolve, reject) => {
        stream.on("data", ({ TTL }) => {
          resolve(Number(TTL));
          stream.cancel();
        });
        stream.on("end", () => reject(new Error("the stream ended without an answer")));
        stream.on("error", reject);
        stream.write({ ID: id });
      });
    }, deadlineMs);
  }

  /** A failure that reached somebody outside `call()`, on a stream. */
  classify(failure: unknown): Error {
    return classifyEtcdError(failure, this.endpoint, this.#access.username);
  }

  close(): void {
    this.#etcd.close();
  }

  async #classified<Result>(attempt: () => Promise<Result>): Promise<Result> {
    try {
      return await attempt();
    } catch (error) {
      if (error instanceof EtcdRefusedError) throw error;
      throw this.classify(error);
    }
  }

  #authenticate(): Promise<string | undefined> {
    const { username, password } = this.#access;
    if (username === undefined) return Promise.resolve(undefined);
    this.#token ??= this.#fetchToken(username, password ?? "").catch((error) => {
      this.#token = undefined;
      throw error;
    });
    return this.#token;
  }

  async #fetchToken(name: string, password: string): Promise<string | undefined> {
    try {
      const options = { deadline: Date.now() + authenticationDeadlineMs };
      return (await this.#etcd.auth.authenticate({ name, password }, options)).token;
    } catch (error) {
      // As etcd's own clients do: credentials that are not needed are no mistake.
      if (error instanceof Error && error.message.includes("authentication is not enabled")) {
        return undefined;
      }
      throw error;
    }
  }
}

/** Longer than for other calls: etcd hashes the password with bcrypt on purpose slowly. */
const authenticationDeadlineMs = 6_000;

function callOptions(token: string | undefined): CallOptions {
  return token === undefined ? {} : { interceptors: [carryToken(token)] };
}

const requireLeader: Interceptor = (options, nextCall) =>
  new InterceptingCall(nextCall(options), {
    start(metadata, listener, next) {
      metadata.set("hasleader", "true");
      next(metadata, listener);
    },
  });

function carryToken(token: string): Interceptor {
  return (options, nextCall) =>
    new InterceptingCall(nextCall(options), {
      start(metadata, _listener, next) {
        metadata.set("token", token);
        next(metadata, staleTokenRenamed);
      },
    });
}

const staleTokenRenamed = new ListenerBuilder()
  .withOnReceiveStatus((received, pass) =>
    pass(
      isStaleToken(received.details)
        ? { ...received, code: status.UNAUTHENTICATED, details: staleTokenDetails }
        : received,
    ),
  )
  .build();

/** etcd3's own option knows neither system roots with a client certificate nor `insecureSkipVerify`. */
function useCredentials(etcd: Etcd3, channelCredentials: ChannelCredentials): void {
  const { pool } = etcd as unknown as {
    readonly pool: { readonly hosts: readonly { channelCredentials: ChannelCredentials }[] };
  };
  for (const host of pool.hosts) host.channelCredentials = channelCredentials;
}
