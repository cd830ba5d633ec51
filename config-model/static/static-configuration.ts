import type { LogLevel } from "../../foundation/log.ts";
import type { EntryPointConfig, NodeSettingsConfig } from "../dynamic/dynamic-object.ts";

/** Fixed for a process's life. What is valid in Traefik and not built is not here: the loader returns it as warnings. */
export interface StaticConfiguration {
  /** By name, in order of the source; never empty (implied `http` on :80). */
  readonly entryPoints: ReadonlyMap<string, EntryPointConfig>;
  readonly redirections: readonly RedirectionConfig[];
  readonly nodeSettings: NodeSettingsConfig;
  readonly providers: {
    readonly throttleMs: number;
    /** Provider names, highest precedence first, for routers of equal priority. */
    readonly precedence: readonly string[];
    readonly file: FileProviderConfig | undefined;
    readonly etcd: EtcdConnectionConfig | undefined;
  };
  readonly log: {
    readonly level: LogLevel;
    /** Absent: pretty on a terminal, JSON elsewhere. */
    readonly format: "json" | "common" | undefined;
  };
  readonly fleet: FleetConfig;
}

/** An entry point whose requests are sent elsewhere, unless a router of a higher priority takes them. */
export interface RedirectionConfig {
  /** `web-to-websecure`; unique. */
  readonly name: string;
  readonly entryPoint: string;
  readonly scheme: string;
  /** Of the entry point redirected to, or as written. */
  readonly port: string;
  readonly permanent: boolean;
  readonly priority: bigint;
  /** Requests of ACME challenges are left to other routers. */
  readonly passesAcmeChallenges: boolean;
}

/** Exactly one of `filename` and `directory`; absolute paths. */
export interface FileProviderConfig {
  readonly filename: string | undefined;
  readonly directory: string | undefined;
  readonly watch: boolean;
}

export interface EtcdConnectionConfig {
  /** `host:port`, no scheme. */
  readonly endpoints: readonly string[];
  readonly rootKey: string;
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly tls:
    | {
        readonly ca: string | undefined;
        readonly cert: string | undefined;
        readonly key: string | undefined;
        readonly insecureSkipVerify: boolean;
      }
    | undefined;
}

export interface FleetConfig {
  readonly stream: {
    /** `host:port`; absent: each command's default. */
    readonly address: string | undefined;
    /** Paths of PEM files. */
    readonly tls:
      | { readonly cert: string; readonly key: string; readonly clientCa: string }
      | undefined;
  };
  /** `host:port`; absent: 127.0.0.1:8090, moved to a free port when taken (`up` only). */
  readonly adminAddress: string | undefined;
  /** Absolute; absent: `admin-token` in the state directory. */
  readonly adminTokenFile: string | undefined;
  readonly insecure: boolean;
  /** An insecure stream may carry private keys. */
  readonly insecureSecrets: boolean;
  /** Removals are held when more than this part of a provider's routers, or services, would vanish; 100: never. */
  readonly guardPercent: number;
  /** What becomes of a generation of which a data plane cannot serve every resource: it serves the others, or none of it. */
  readonly rejection: "isolate" | "strict";
  readonly stateDir: string | undefined;
  /** Absent: etcd (root `switchyard`, connection of `providers.etcd`) when that provider is configured, else local. */
  readonly store:
    | { readonly kind: "etcd"; readonly etcd: EtcdConnectionConfig }
    | { readonly kind: "local" }
    | undefined;
}
