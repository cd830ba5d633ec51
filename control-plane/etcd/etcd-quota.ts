/**
 * How large etcd lets its database grow. It tells so on its page of metrics and, before 3.6, nowhere else; where that page
 * is closed to us the answer is unknown.
 */
import type { EtcdAccess } from "./etcd-connection.ts";
import { readTlsMaterial } from "./etcd-tls.ts";

// As imports they would load Node's own HTTP client with them, at every start.
const { request: httpRequest } = process.getBuiltinModule("node:http");
const { request: httpsRequest } = process.getBuiltinModule("node:https");

const timeoutMs = 4_000;
const maximumPageBytes = 8 * 1024 * 1024;
const quotaLine = /^etcd_server_quota_backend_bytes (\S+)$/m;

/** Resolves to nothing when etcd does not say; never rejects. */
export async function readQuotaBytes(
  endpoint: string,
  { tls }: Pick<EtcdAccess, "tls">,
): Promise<number | undefined> {
  try {
    const quota = Number(quotaLine.exec(await metricsPage(endpoint, tls))?.[1]);
    return quota > 0 ? quota : undefined;
  } catch {
    return undefined; // unreachable, refused, or another program's port
  }
}

function metricsPage(endpoint: string, tls: EtcdAccess["tls"]): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const options = { timeout: timeoutMs, agent: false };
  const outgoing =
    tls === undefined
      ? httpRequest(`http://${endpoint}/metrics`, options)
      : httpsRequest(`https://${endpoint}/metrics`, { ...options, ...secureOptions(tls) });
  outgoing.on("response", (response) => {
    let page = "";
    response.setEncoding("utf8");
    response.on("data", (text: string) => {
      page += text;
      if (page.length > maximumPageBytes) outgoing.destroy(new Error("The page is too large"));
    });
    response.on("end", () => resolve(response.statusCode === 200 ? page : ""));
    response.on("error", reject);
  });
  outgoing.on("timeout", () => outgoing.destroy(new Error("No answer in time")));
  outgoing.on("error", reject);
  outgoing.end();
  return promise;
}

function secureOptions(tls: NonNullable<EtcdAccess["tls"]>) {
  const { ca, cert, key } = readTlsMaterial(tls);
  return {
    rejectUnauthorized: !tls.insecureSkipVerify,
    ...(ca !== null && { ca }),
    ...(cert !== null && { cert }),
    ...(key !== null && { key }),
  };
}
