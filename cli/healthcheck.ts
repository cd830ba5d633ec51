import { parseHostPort } from "../foundation/format-address.ts";
import { CommandFailedError, exitCode, UsageError } from "./exit-code.ts";
import { loadStatic } from "./load-static.ts";

// As an import it would load Node's own HTTP client with it, several times a minute.
const { get } = process.getBuiltinModule("node:http");

const timeoutMs = 5_000;
const defaultAdminAddress = "127.0.0.1:8090";

/** With `--admin`, a data plane's readiness; without, the control plane that the configuration names. */
export async function healthcheck(
  { admin }: { readonly admin?: string },
  staticFlags: readonly string[],
): Promise<number> {
  const url =
    admin === undefined ? controlPlaneUrl(staticFlags) : urlOf("--admin", admin, "/readyz");
  const status = await statusOf(url);
  if (status !== 200) throw new CommandFailedError(`${url} answered ${status}`);
  process.stdout.write(`OK: ${url}\n`);
  return exitCode.done;
}

function controlPlaneUrl(staticFlags: readonly string[]): string {
  const { configuration } = loadStatic(staticFlags);
  const address = configuration.fleet.adminAddress ?? defaultAdminAddress;
  return urlOf("fleet.admin.address", address, "/ping");
}

function urlOf(source: string, address: string, path: string): string {
  const parsed = parseHostPort(address);
  if (parsed === undefined) {
    throw new UsageError(`${source} needs HOST:PORT, not "${address}"`);
  }
  const host = parsed.host === "" ? "127.0.0.1" : parsed.host;
  return `http://${host.includes(":") ? `[${host}]` : host}:${parsed.port}${path}`;
}

function statusOf(url: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const request = get(url, { timeout: timeoutMs }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    request.on("timeout", () => request.destroy(new Error(`no answer within ${timeoutMs} ms`)));
    request.on("error", (error) => {
      reject(new CommandFailedError(`${url} did not answer: ${error.message}`, { cause: error }));
    });
  });
}
