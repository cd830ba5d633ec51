import type { StaticConfiguration } from "../config-model/static/static-configuration.ts";

/** What a control plane is started with: plain values only, so that a thread can be given them. */
export interface ControlPlaneOptions {
  readonly configuration: StaticConfiguration;
  /** Absolute; made when missing, locked while in use. */
  readonly stateDir: string;
  /** Unix socket of the stream, mode 0600; `up` meets its data plane there. */
  readonly streamSocket: string | undefined;
  /** `host:port` of the stream for data planes elsewhere. */
  readonly streamAddress: string | undefined;
  /** `host:port` of the admin API. */
  readonly adminAddress: string;
  /** Nobody asked for the admin's port: when it is taken a free one does. */
  readonly isAdminMovable: boolean;
  readonly version: string;
}
