/**
 * The X-Forwarded-* story of a request: what an untrusted peer said is gone already (the parser never takes it), what
 * is missing is filled in. The peer's own address joins X-Forwarded-For when the request goes upstream.
 */
import { hostname } from "node:os";
import { portOf } from "./canonical-host.ts";
import type { HeaderList } from "./header-list.ts";
import { classifyHeader, isManagedHeader, isManagedWithUnderscores } from "./known-header.ts";
import type { RequestHead } from "./parse-request-head.ts";

const realIp = classifyHeader("X-Real-Ip");
const forwardedFor = classifyHeader("X-Forwarded-For");
const forwardedProto = classifyHeader("X-Forwarded-Proto");
const forwardedHost = classifyHeader("X-Forwarded-Host");
const forwardedPort = classifyHeader("X-Forwarded-Port");
const forwardedServer = classifyHeader("X-Forwarded-Server");

interface PeerFacts {
  readonly address: string;
  readonly isTls: boolean;
}

const thisHost = hostname();

export function isWebSocketHandshake(head: RequestHead): boolean {
  return head.wantsUpgrade && head.upgrade.toLowerCase() === "websocket";
}

export function addForwardedHeaders(headers: HeaderList, head: RequestHead, peer: PeerFacts): void {
  if (head.hasForwarded) {
    fillForwardedHeaders(headers, head, peer);
    return;
  }
  if (peer.address !== "") headers.appendParsed("X-Real-Ip", realIp, peer.address);
  const proto = schemeOf(head, peer);
  headers.appendParsed("X-Forwarded-Proto", forwardedProto, proto);
  headers.appendParsed("X-Forwarded-Port", forwardedPort, forwardedPortOf(head.host, proto));
  if (head.host !== "") headers.appendParsed("X-Forwarded-Host", forwardedHost, head.host);
  headers.appendParsed("X-Forwarded-Server", forwardedServer, thisHost);
}

/** Removes what `Connection` names, except managed headers and those the entry point keeps. */
export function removeConnectionHeaders(
  headers: HeaderList,
  names: readonly string[],
  kept: readonly string[],
): void {
  for (const name of names) {
    if (kept.includes(name) || isManagedHeader(classifyHeader(name).id)) continue;
    if (!isManagedWithUnderscores(name)) headers.delete(name);
  }
}

function fillForwardedHeaders(headers: HeaderList, head: RequestHead, peer: PeerFacts): void {
  if (isEmpty(headers, realIp.lowerName) && peer.address !== "")
    headers.set("X-Real-Ip", peer.address);
  if (isEmpty(headers, forwardedProto.lowerName)) {
    headers.set("X-Forwarded-Proto", schemeOf(head, peer));
  }
  if (isEmpty(headers, forwardedPort.lowerName)) {
    const proto = headers.get(forwardedProto.lowerName) ?? "";
    headers.set("X-Forwarded-Port", forwardedPortOf(head.host, proto));
  }
  if (isEmpty(headers, forwardedHost.lowerName) && head.host !== "") {
    headers.set("X-Forwarded-Host", head.host);
  }
  headers.set("X-Forwarded-Server", thisHost);
  if (head.forwardedForCount > 1) headers.set("X-Forwarded-For", joinedForwardedFor(headers));
}

function isEmpty(headers: HeaderList, lowerName: string): boolean {
  return (headers.get(lowerName) ?? "") === "";
}

function joinedForwardedFor(headers: HeaderList): string {
  const values: string[] = [];
  for (let index = 0; index < headers.length; index += 1) {
    if (headers.idAt(index) === forwardedFor.id) values.push(headers.valueAt(index));
  }
  return values.join(", ");
}

function schemeOf(head: RequestHead, peer: PeerFacts): string {
  if (head.wantsUpgrade && isWebSocketHandshake(head)) return peer.isTls ? "wss" : "ws";
  return peer.isTls ? "https" : "http";
}

function forwardedPortOf(host: string, proto: string): string {
  const port = portOf(host);
  if (port !== "") return port;
  return proto === "https" || proto === "wss" ? "443" : "80";
}
