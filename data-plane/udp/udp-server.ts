import { lookup } from "node:dns/promises";
import { isIP } from "node:net";

export interface ServerPlace {
  readonly address: string;
  readonly port: number;
  readonly type: "udp4" | "udp6";
}

/** A server of UDP services. A name is looked up for each session, once for all that wait for it. */
export class UdpServer {
  /** The same server in two services, or in two versions of one, has one key. */
  readonly key: string;
  readonly #port: number;
  readonly #host: string;
  readonly #place: ServerPlace | undefined;
  #lookup: Promise<ServerPlace> | undefined;

  constructor({ host, port }: { readonly host: string; readonly port: number }) {
    this.key = `${host} ${port}`;
    this.#host = host;
    this.#port = port;
    this.#place = isIP(host) === 0 ? undefined : placeOf(host, port);
  }

  /** Absent: it has to be looked up. */
  get place(): ServerPlace | undefined {
    return this.#place;
  }

  /** Rejects when its name has no address. */
  find(): Promise<ServerPlace> {
    this.#lookup ??= lookup(this.#host)
      .then(({ address }) => placeOf(address, this.#port))
      .finally(() => {
        this.#lookup = undefined;
      });
    return this.#lookup;
  }
}

function placeOf(address: string, port: number): ServerPlace {
  return { address, port, type: isIP(address) === 6 ? "udp6" : "udp4" };
}
