/** `switchyard fleet ...`: looks at a fleet and decides about it, through the admin of any of its control planes. */
import { readFileSync } from "node:fs";
import { type IncomingMessage, request } from "node:http";
import { join } from "node:path";
import { errorText } from "../foundation/error-text.ts";
import { parseHostPort } from "../foundation/format-address.ts";
import { shownText } from "../foundation/shown-text.ts";
import { CommandFailedError, exitCode, UsageError } from "./exit-code.ts";
import { loadStatic } from "./load-static.ts";
import { stateDirOf } from "./state-dir.ts";

export interface FleetFlags {
  /** `HOST:PORT`; absent: as the static configuration says. */
  readonly admin?: string;
  readonly tokenFile?: string;
  /** Of the control plane on this machine, whose token is used. */
  readonly stateDir?: string;
}

interface Admin {
  readonly host: string;
  readonly port: number;
  /** Read when something is changed. */
  token(): string;
}

interface Hold {
  readonly id: string;
  readonly provider: string;
  readonly state: string;
  readonly isRestored: boolean;
  readonly since: string;
  readonly routers: number;
  readonly services: number;
  readonly ofRouters: number;
  readonly ofServices: number;
  readonly sample: readonly string[];
}

const timeoutMs = 10_000;
const defaultAdminAddress = "127.0.0.1:8090";

export async function fleetStatus(flags: FleetFlags, staticFlags: readonly string[]) {
  const answer = await ask(adminOf(flags, staticFlags), "GET", "/api/fleet/status");
  print(JSON.stringify(answer, undefined, 2));
  return exitCode.done;
}

export async function fleetGuard(flags: FleetFlags, staticFlags: readonly string[]) {
  const holds = (await ask(adminOf(flags, staticFlags), "GET", "/api/fleet/guard")) as Hold[];
  if (holds.length === 0) print("No removals are held.");
  for (const hold of holds) print(holdLine(hold));
  return exitCode.done;
}

export async function fleetGuardDecide(
  decision: "confirm" | "dismiss",
  id: string,
  flags: FleetFlags,
  staticFlags: readonly string[],
) {
  await ask(adminOf(flags, staticFlags), "POST", `/api/fleet/guard/${decision}`, { id });
  print(`Hold ${shownText(id)}: ${decision === "confirm" ? "confirmed" : "dismissed"}.`);
  return exitCode.done;
}

export async function fleetStaticAdopt(flags: FleetFlags, staticFlags: readonly string[]) {
  await ask(adminOf(flags, staticFlags), "POST", "/api/fleet/static/adopt", {});
  print("The static configuration of this control plane is the fleet's.");
  return exitCode.done;
}

export async function fleetAdopt(
  fleetId: string,
  flags: FleetFlags,
  staticFlags: readonly string[],
) {
  await ask(adminOf(flags, staticFlags), "POST", "/api/fleet/adopt", { fleetId });
  print(`The store is of fleet ${shownText(fleetId)} now.`);
  return exitCode.done;
}

function holdLine(hold: Hold): string {
  const { id, provider, state, isRestored, since, sample } = hold;
  const routers = `${hold.routers} of ${hold.ofRouters} routers`;
  const services = `${hold.services} of ${hold.ofServices} services`;
  const what = isRestored ? "the restored store lacks" : "held removals:";
  const such = sample.length === 0 ? "" : ` (${sample.slice(0, 3).map(shownText).join(", ")} ...)`;
  return `${id}  ${state}  ${shownText(provider)}  ${what} ${routers}, ${services}${such}  since ${since}`;
}

function adminOf(flags: FleetFlags, staticFlags: readonly string[]): Admin {
  const { fleet } = loadStatic(staticFlags).configuration;
  const address = flags.admin ?? fleet.adminAddress ?? defaultAdminAddress;
  const parsed = parseHostPort(address);
  if (parsed === undefined) throw new UsageError(`--admin needs HOST:PORT, not "${address}"`);
  const named = flags.tokenFile ?? fleet.adminTokenFile;
  const stateDir = flags.stateDir ?? fleet.stateDir;
  const candidates =
    named === undefined
      ? (["control-plane", "up"] as const).map((role) =>
          join(stateDirOf(role, stateDir), "admin-token"),
        )
      : [named];
  return {
    host: parsed.host === "" ? "127.0.0.1" : parsed.host,
    port: parsed.port,
    token: () => readToken(candidates),
  };
}

function readToken(candidates: readonly string[]): string {
  const reasons: string[] = [];
  for (const path of new Set(candidates)) {
    try {
      return readFileSync(path, "utf8").trim();
    } catch (error) {
      reasons.push(errorText(error));
    }
  }
  throw new CommandFailedError(
    `Cannot read the admin token: ${reasons.join("; ")} (name it with --token-file, or the control plane's --state-dir)`,
  );
}

async function ask(admin: Admin, method: "GET" | "POST", path: string, body?: object) {
  const { status, text } = await send(admin, method, path, body);
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    answer = undefined;
  }
  if (status === 200) return answer;
  const { message } = (answer ?? {}) as { readonly message?: unknown };
  const reason = typeof message === "string" ? message : "";
  throw new CommandFailedError(
    `${admin.host}:${admin.port} answered ${status}: ${shownText(reason)}`,
  );
}

function send(
  { host, port, token }: Admin,
  method: "GET" | "POST",
  path: string,
  body?: object,
): Promise<{ readonly status: number; readonly text: string }> {
  const authorization = method === "POST" ? { Authorization: `Bearer ${token()}` } : {};
  return new Promise((resolve, reject) => {
    const fail = (error: Error) => {
      const message = `${host}:${port} did not answer: ${error.message}`;
      reject(new CommandFailedError(message, { cause: error }));
    };
    const options = { host, port, path, method, timeout: timeoutMs, headers: authorization };
    const outgoing = request(options, (response: IncomingMessage) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (part: string) => {
        text += part;
      });
      response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
      response.on("error", fail);
    });
    outgoing.on("timeout", () => outgoing.destroy(new Error(`nothing within ${timeoutMs} ms`)));
    outgoing.on("error", fail);
    outgoing.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
