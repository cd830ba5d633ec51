import type {
  HttpTransport,
  NodeSettings,
  TcpTransport,
} from "../../proto/gen/switchyard/fleet/v1/resource.ts";

const defaultHttp: HttpTransport = {
  dialTimeoutMs: 30_000,
  responseHeaderTimeoutMs: 0,
  idleConnectionTimeoutMs: 90_000,
  maxIdleConnectionsPerHost: 200,
};

const defaultTcp: TcpTransport = {
  dialTimeoutMs: 30_000,
  dialKeepAliveMs: 15_000,
  terminationDelayMs: 100,
};

/**
 * What connections to servers are made by. The same objects for a worker's life, whose values change: new settings hold
 * for whatever reads them next, and no server has to be made again for them.
 */
export class NodeTransport {
  readonly http: HttpTransport = { ...defaultHttp };
  readonly tcp: TcpTransport = { ...defaultTcp };

  update(settings: NodeSettings | undefined): void {
    Object.assign(this.http, settings?.httpTransport ?? defaultHttp);
    Object.assign(this.tcp, settings?.tcpTransport ?? defaultTcp);
  }
}
