/** A worker thread on its own: parts of a transfer in, answers at sockets out. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { type Agent, createServer, get, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import {
  middlewareOf,
  routerOf,
  serviceOf,
  webEntryPoint,
} from "../support/data-plane-resources.ts";
import { TrafficWorkerThread } from "../support/traffic-worker.ts";

/** Answers with its name and what it was asked. */
async function origin(name: string): Promise<{ port: number } & AsyncDisposable> {
  const server: Server = createServer((request, response) => {
    response.end(`${name} ${request.method} ${request.url} ${request.headers.host}`);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}

interface Answer {
  readonly status: number | undefined;
  readonly body: string;
}

async function ask(port: number, path = "/", host = "a.test", agent?: Agent): Promise<Answer> {
  const request = get({ host: "127.0.0.1", port, path, headers: { host }, agent: agent ?? false });
  const [response] = (await once(request, "response")) as [IncomingMessage];
  let body = "";
  for await (const chunk of response.setEncoding("utf8")) body += chunk;
  return { status: response.statusCode, body };
}

test("a traffic worker routes connections handed to it by what it was sent", async () => {
  await using blue = await origin("blue");
  await using worker = await TrafficWorkerThread.start();
  const port = await worker.listen();
  const rejected = await worker.apply(
    [
      webEntryPoint(),
      routerOf("r", { rule: "Host(`a.test`) && PathPrefix(`/api`)", middlewares: ["m"] }),
      serviceOf("app", [blue.port]),
      middlewareOf("m", { $case: "addPrefix", value: { prefix: "/v1" } }),
    ],
    { full: true },
  );
  assert.deepEqual(rejected, []);
  assert.deepEqual(await ask(port, "/api/x?y=1"), {
    status: 200,
    body: "blue GET /v1/api/x?y=1 a.test",
  });
  assert.deepEqual(await ask(port, "/other"), { status: 404, body: "404 page not found\n" });
  assert.deepEqual(await ask(port, "/api", "b.test"), {
    status: 404,
    body: "404 page not found\n",
  });
});
