/**
 * The X-Forwarded-* story of a request: what an untrusted peer said is gone already (the parser never takes it), what
 * is missing is filled in. The peer's own address joins X-Forwarded-For when the request goes upstream.
 */
import { hostname } from "node:os";
import type { HeaderBlock, HeaderList } from "./header-list.ts";
import {
  headerId,
  isManagedHeader,
  isManagedWithUnderscores,
  knownHeaderId,
} from "./known-header.ts";
import type { RequestHead } from "./parse-request-head.ts";

const thisHost = hostname();

const blockNames = [
  "X-Forwarded-Proto",
  "X-Forwarded-Server",
  "X-Real-Ip",
  "X-Forwarded-Port",
  "X-Forwarded-Host",
] as const;
const blockIds = blockNames.map((name) => knownHeaderId(name.toLowerCase()));

/** Fills in what is missing, for one connection. What a request that brings nothing gets is prepared, host by host. */
export class ForwardedHeaders {
  readonly #peerAddress: string;
  readonly #isTls: boolean;
  readonly #proto: string;
  /** Lines that are the same for every host. */
  readonly #commonText: string;
  #blockHost = "";
  #block: HeaderBlock | undefined;

  constructor(peerAddress: string, isTls: boolean) {
    this.#peerAddress = peerAddress;
    this.#isTls = isTls;
    this.#proto = isTls ? "https" : "http";
    const lines = [this.#proto, thisHost, peerAddress].map(
      (value, index) => `${blockNames[index]}: ${value}\r\n`,
    );
    this.#commonText = lines.join("");
  }

  /** `mayHaveManaged`: the peer is trusted, so that there may be fields to keep. */
  addTo(headers: HeaderList, head: RequestHead, mayHaveManaged: boolean): void {
    const { host } = head;
    const isPlain = host !== "" && this.#peerAddress !== "" && !head.wantsUpgrade;
    if (!isPlain || (mayHaveManaged && hasManaged(headers))) {
      this.#fill(headers, head);
      return;
    }
    if (this.#block === undefined || this.#blockHost !== host) {
      this.#blockHost = host;
      this.#block = this.#blockFor(head);
    }
    headers.appendBlock(this.#block);
  }

  #blockFor(head: RequestHead): HeaderBlock {
    const { host } = head;
    const port = forwardedPortOf(head, this.#proto);
    return {
      text: `${this.#commonText}X-Forwarded-Port: ${port}\r\nX-Forwarded-Host: ${host}\r\n`,
      ids: blockIds,
      names: blockNames,
      values: [this.#proto, thisHost, this.#peerAddress, port, host],
    };
  }

  #fill(headers: HeaderList, head: RequestHead): void {
    setIfEmpty(headers, "X-Real-Ip", this.#peerAddress);
    setIfEmpty(headers, "X-Forwarded-Proto", this.#schemeOf(head));
    const proto = headers.get("x-forwarded-proto") ?? "";
    setIfEmpty(headers, "X-Forwarded-Port", forwardedPortOf(head, proto));
    setIfEmpty(headers, "X-Forwarded-Host", head.host);
    headers.set("X-Forwarded-Server", thisHost);
    joinForwardedFor(headers);
  }

  #schemeOf(head: RequestHead): string {
    if (isWebSocketHandshake(head)) return this.#isTls ? "wss" : "ws";
    return this.#isTls ? "https" : "http";
  }
}

function isWebSocketHandshake(head: RequestHead): boolean {
  return head.wantsUpgrade && head.upgrade.toLowerCase() === "websocket";
}

/** Removes what `Connection` names, except managed headers and those the entry point keeps. */
export function removeConnectionHeaders(
  headers: HeaderList,
  names: readonly string[],
  kept: readonly string[],
): void {
  for (const name of names) {
    if (kept.includes(name) || isManagedHeader[knownHeaderId(name)] === 1) continue;
    if (!isManagedWithUnderscores(name)) headers.delete(name);
  }
}

function hasManaged(headers: HeaderList): boolean {
  for (let index = 0; index < headers.length; index += 1) {
    if (isManagedHeader[headers.idAt(index)] === 1) return true;
  }
  return false;
}

function setIfEmpty(headers: HeaderList, name: string, value: string): void {
  if (value !== "" && (headers.get(name.toLowerCase()) ?? "") === "") headers.set(name, value);
}

function joinForwardedFor(headers: HeaderList): void {
  const values: string[] = [];
  for (let index = 0; index < headers.length; index += 1) {
    if (headers.idAt(index) === headerId.forwardedFor) values.push(headers.valueAt(index));
  }
  if (values.length > 1) headers.set("X-Forwarded-For", values.join(", "));
}

function forwardedPortOf(head: RequestHead, proto: string): string {
  if (head.hostPort !== "") return head.hostPort;
  return proto === "https" || proto === "wss" ? "443" : "80";
}
