import type { UdpSession } from "./udp-session.ts";

/** The sessions of a listener by client, and in the order of their last datagram. */
export class SessionTable {
  readonly #byClient = new Map<string, UdpSession>();
  #oldest: UdpSession | undefined;
  #newest: UdpSession | undefined;

  get size(): number {
    return this.#byClient.size;
  }

  /** The one that nothing has been sent in for longest. */
  get oldest(): UdpSession | undefined {
    return this.#oldest;
  }

  get(client: string): UdpSession | undefined {
    return this.#byClient.get(client);
  }

  add(client: string, session: UdpSession, nowMs: number): void {
    this.#byClient.set(client, session);
    this.#append(session, nowMs);
  }

  touch(session: UdpSession, nowMs: number): void {
    if (session === this.#newest) {
      session.lastActiveAtMs = nowMs;
      return;
    }
    this.#unlink(session);
    this.#append(session, nowMs);
  }

  delete(client: string, session: UdpSession): void {
    if (this.#byClient.get(client) !== session) return;
    this.#byClient.delete(client);
    this.#unlink(session);
  }

  all(): UdpSession[] {
    return [...this.#byClient.values()];
  }

  #append(session: UdpSession, nowMs: number): void {
    session.lastActiveAtMs = nowMs;
    session.older = this.#newest;
    session.newer = undefined;
    if (this.#newest === undefined) this.#oldest = session;
    else this.#newest.newer = session;
    this.#newest = session;
  }

  #unlink(session: UdpSession): void {
    const { older, newer } = session;
    if (older === undefined) this.#oldest = newer;
    else older.newer = newer;
    if (newer === undefined) this.#newest = older;
    else newer.older = older;
    session.older = undefined;
    session.newer = undefined;
  }
}
