import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { readQuotaBytes } from "./etcd-quota.ts";

async function quotaOf(status: number, page: string): Promise<number | undefined> {
  const server = createServer((_request, response) => response.writeHead(status).end(page));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const quota = await readQuotaBytes(`127.0.0.1:${port}`, { tls: undefined });
  server.close();
  server.closeAllConnections();
  return quota;
}

test("readQuotaBytes() finds the quota among etcd's metrics", async () => {
  const page = [
    "# TYPE etcd_server_quota_backend_bytes gauge",
    "etcd_server_quota_backend_bytes 2.147483648e+09",
    "etcd_server_quota_backend_bytes_other 1",
  ].join("\n");
  assert.equal(await quotaOf(200, page), 2 * 1024 ** 3);
});

test("readQuotaBytes() knows nothing where etcd does not tell: page closed, no line, no limit, no answer", async () => {
  assert.equal(await quotaOf(404, "etcd_server_quota_backend_bytes 1"), undefined);
  assert.equal(await quotaOf(200, "something else"), undefined);
  assert.equal(await quotaOf(200, "etcd_server_quota_backend_bytes -1"), undefined);
  assert.equal(await readQuotaBytes("127.0.0.1:1", { tls: undefined }), undefined);
});
