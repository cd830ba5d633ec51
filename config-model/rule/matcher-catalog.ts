/** Names, arity and arguments of all matchers. Which of them are served is the compiler's decision. */

import { isAddressOrRange } from "../../foundation/ip-range.ts";
import { nearestName } from "../../foundation/nearest-name.ts";
import { shownText } from "../../foundation/shown-text.ts";
import { regexpProblem } from "./regexp-problem.ts";
import type { HttpMatcherName, MatcherName, TcpMatcherName } from "./rule.ts";

export type RuleProtocol = "http" | "tcp";

/** Normalised argument, or the reason why it cannot be one. */
type ArgumentCheck = (value: string) => { readonly value: string } | { readonly problem: string };

interface MatcherDefinition {
  /** One check per argument. */
  readonly checks: readonly ArgumentCheck[];
  /** Arguments that may be left out at the end. */
  readonly optional: number;
}

const httpMatchers: Readonly<Record<HttpMatcherName, MatcherDefinition>> = {
  Host: { checks: [checkHost], optional: 0 },
  HostRegexp: { checks: [checkAsciiRegexp], optional: 0 },
  Path: { checks: [checkPath], optional: 0 },
  PathPrefix: { checks: [checkPath], optional: 0 },
  PathRegexp: { checks: [checkRegexp], optional: 0 },
  Method: { checks: [(value) => ({ value: value.toUpperCase() })], optional: 0 },
  Header: { checks: [checkHeaderName, accept], optional: 0 },
  HeaderRegexp: { checks: [checkHeaderName, checkRegexp], optional: 0 },
  Query: { checks: [accept, accept], optional: 1 },
  QueryRegexp: { checks: [accept, checkRegexp], optional: 1 },
  ClientIP: { checks: [checkAddress], optional: 0 },
};

const tcpMatchers: Readonly<Record<TcpMatcherName, MatcherDefinition>> = {
  HostSNI: { checks: [checkServerName], optional: 0 },
  HostSNIRegexp: { checks: [checkAsciiRegexp], optional: 0 },
  ClientIP: { checks: [checkAddress], optional: 0 },
  ALPN: { checks: [checkAlpn], optional: 0 },
};

/** Accepted spellings: as defined, lower case, upper case, and `Pathprefix`. */
function spellings<Name extends MatcherName>(
  matchers: Readonly<Record<Name, MatcherDefinition>>,
): ReadonlyMap<string, { readonly name: MatcherName; readonly definition: MatcherDefinition }> {
  const known = new Map<string, { name: MatcherName; definition: MatcherDefinition }>();
  for (const [name, definition] of Object.entries(matchers) as [Name, MatcherDefinition][]) {
    const lower = name.toLowerCase();
    const capitalised = lower.charAt(0).toUpperCase() + lower.slice(1);
    for (const spelling of [name, lower, name.toUpperCase(), capitalised]) {
      known.set(spelling, { name, definition });
    }
  }
  return known;
}

const spellingsByProtocol = { http: spellings(httpMatchers), tcp: spellings(tcpMatchers) };
const namesByProtocol: Readonly<Record<RuleProtocol, readonly string[]>> = {
  http: Object.keys(httpMatchers),
  tcp: Object.keys(tcpMatchers),
};

export interface MatcherCall {
  readonly name: MatcherName;
  readonly arguments: readonly string[];
}

/** `argument` is the index of the one at fault; absent: the call as a whole. */
export interface MatcherProblem {
  readonly argument?: number;
  readonly message: string;
}

export function checkMatcherName(spelling: string, protocol: RuleProtocol): string | undefined {
  if (spellingsByProtocol[protocol].has(spelling)) return undefined;
  const other = protocol === "http" ? "tcp" : "http";
  const near = nearestName(spelling, namesByProtocol[protocol]);
  if (near !== undefined)
    return `unknown matcher "${shownText(spelling)}", did you mean "${near}"?`;
  return spellingsByProtocol[other].has(spelling)
    ? `matcher "${spelling}" is for ${other === "tcp" ? "TCP" : "HTTP"} routers`
    : `unknown matcher "${shownText(spelling)}", valid are ${namesByProtocol[protocol].join(", ")}`;
}

export function checkMatcherCall(
  spelling: string,
  values: readonly string[],
  protocol: RuleProtocol,
): { readonly call: MatcherCall } | { readonly problem: MatcherProblem } {
  const known = spellingsByProtocol[protocol].get(spelling);
  if (known === undefined)
    return { problem: { message: `unknown matcher "${shownText(spelling)}"` } };
  const { name, definition } = known;
  const most = definition.checks.length;
  const least = most - definition.optional;
  if (values.length < least || values.length > most) {
    const wanted = least === most ? `${most}` : `${least} or ${most}`;
    const noun = most === 1 ? "argument" : "arguments";
    return { problem: { message: `${name} takes ${wanted} ${noun}, not ${values.length}` } };
  }
  const normalised: string[] = [];
  for (const value of values) {
    const argument = normalised.length;
    const check = definition.checks[argument];
    if (check === undefined) break;
    if (value === "") {
      return { problem: { argument, message: `empty argument of ${name}` } };
    }
    const outcome = check(value);
    if ("problem" in outcome) {
      return { problem: { argument, message: `${name}: ${outcome.problem}` } };
    }
    normalised.push(outcome.value);
  }
  // Without a value there is nothing to match a regular expression against: the key alone counts, as for Query.
  const effective = name === "QueryRegexp" && normalised.length === 1 ? "Query" : name;
  return { call: { name: effective, arguments: normalised } };
}

function accept(value: string): { readonly value: string } {
  return { value };
}

function isAscii(value: string): boolean {
  for (let index = 0; index < value.length; index++)
    if (value.charCodeAt(index) > 127) return false;
  return true;
}

function checkHost(value: string): ReturnType<ArgumentCheck> {
  if (!isAscii(value)) {
    return {
      problem: `host "${shownText(value)}" has other than ASCII characters, write it as punycode`,
    };
  }
  return { value: withoutTrailingDot(value.toLowerCase()) };
}

const serverNamePattern = /^(\*\.)?[\w.\-:]+$/;

function checkServerName(value: string): ReturnType<ArgumentCheck> {
  if (value !== "*" && !serverNamePattern.test(value)) {
    return { problem: `"${shownText(value)}" is not a valid server name` };
  }
  return { value: withoutTrailingDot(value.toLowerCase()) };
}

function withoutTrailingDot(host: string): string {
  return host.length > 1 && host.endsWith(".") ? host.slice(0, -1) : host;
}

function checkPath(value: string): ReturnType<ArgumentCheck> {
  return value.startsWith("/")
    ? { value }
    : { problem: `path "${shownText(value)}" must start with "/"` };
}

function checkHeaderName(value: string): ReturnType<ArgumentCheck> {
  return { value: value.toLowerCase() };
}

function checkAddress(value: string): ReturnType<ArgumentCheck> {
  return isAddressOrRange(value)
    ? { value }
    : { problem: `"${shownText(value)}" is neither an IP address nor a CIDR range` };
}

function checkAlpn(value: string): ReturnType<ArgumentCheck> {
  return value === "acme-tls/1"
    ? { problem: `protocol "acme-tls/1" is reserved for certificate challenges` }
    : { value };
}

function checkAsciiRegexp(value: string): ReturnType<ArgumentCheck> {
  if (!isAscii(value)) return { problem: `"${shownText(value)}" has other than ASCII characters` };
  return checkRegexp(value);
}

function checkRegexp(value: string): ReturnType<ArgumentCheck> {
  const reason = regexpProblem(value);
  return reason === undefined
    ? { value }
    : { problem: `invalid regular expression: ${shownText(reason)}` };
}
