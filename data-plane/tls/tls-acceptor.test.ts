import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { after, before, test } from "node:test";
import { connect as connectTls, createSecureContext } from "node:tls";
import { CertificateAuthority } from "../../test/support/certificates.ts";
import { clientHello } from "../../test/support/client-hello.ts";
import { until } from "../../test/support/until.ts";
import { ConnectionSet } from "../connection/connection-set.ts";
import { DeadlineSweeper, noDeadline } from "../connection/deadline-sweeper.ts";
import { sslRequest } from "../tcp/postgres-request.ts";
import { type TlsAcceptance, TlsAcceptor, type TlsRoute } from "./tls-acceptor.ts";
import { builtInTlsOptions } from "./tls-plan.ts";

const authority = new CertificateAuthority();
const context = createSecureContext(authority.issue("server", [], ["a.test"]));

let server: Server;
before(async () => {
  server = createServer({ pauseOnConnect: true, allowHalfOpen: true }).listen(0, "127.0.0.1");
  await once(server, "listening");
});
after(() => {
  server.close();
});

/** No deadline ever passes by itself: when it would is looked at instead. */
class StillSweeper extends DeadlineSweeper {
  override deadlineAfter(afterMs: number): number {
    return afterMs === 0 ? noDeadline : afterMs;
  }
}

interface Accepted extends AsyncDisposable {
  readonly client: Socket;
  readonly raw: Socket;
  readonly acceptor: TlsAcceptor;
  readonly connections: ConnectionSet;
  readonly plain: Socket[];
}

async function accept(fields: Partial<TlsAcceptance> = {}): Promise<Accepted> {
  const { port } = server.address() as AddressInfo;
  const client = connect({ port, host: "127.0.0.1" });
  client.on("error", () => {});
  const [raw] = (await once(server, "connection")) as [Socket];
  const connections = new ConnectionSet();
  const plain: Socket[] = [];
  const acceptor = new TlsAcceptor(raw, {
    readTimeoutMs: 60_000,
    answersPostgres: true,
    connections,
    sweeper: new StillSweeper(60_000),
    servePlain: (socket) => void plain.push(socket),
    routeTls: () => ({ kind: "refuse" }),
    credentialsFor: () => ({ options: builtInTlsOptions, context }),
    ...fields,
  });
  return {
    client,
    raw,
    acceptor,
    connections,
    plain,
    async [Symbol.asyncDispose]() {
      client.destroy();
      raw.destroy();
      await until("the end", () => connections.size === 0);
    },
  };
}

const terminating = (serve: (socket: Socket) => void): TlsRoute => {
  return { kind: "terminate", options: "default", protocols: () => [], serve };
};

test("a handshake that never ends has ten seconds, whatever was left for the ClientHello", async () => {
  await using accepted = await accept({ routeTls: () => terminating(() => {}) });
  const { client, acceptor, connections } = accepted;
  assert.equal(acceptor.deadlineMs, 60_000);
  client.write(await clientHello({ servername: "a.test" }));
  await until("the handshake's deadline", () => acceptor.deadlineMs === 10_000);
  await once(client, "data"); // the server's part of it
  acceptor.deadlinePassed();
  await until("nothing to be left", () => connections.size === 0);
});

test("who has no limit to say the first byte has one to say the rest", async () => {
  await using accepted = await accept({ readTimeoutMs: 0 });
  assert.equal(accepted.acceptor.deadlineMs, noDeadline);
  accepted.client.write(sslRequest.subarray(0, 2));
  await until("a deadline", () => accepted.acceptor.deadlineMs === 10_000);
});

test("whoever takes a connection over does so before it is left, and reads every byte", async () => {
  const sizes: number[] = [];
  const isDrained: boolean[] = [];
  await using accepted = await accept({
    servePlain: (socket) => {
      sizes.push(accepted.connections.size);
      assert.equal(socket.isPaused(), true);
      socket.on("data", (chunk: Buffer) => socket.write(chunk));
      socket.on("end", () => socket.end());
      const own = { beginDrain() {}, destroy: () => socket.destroy() };
      accepted.connections.add(own);
      socket.once("close", () => accepted.connections.delete(own));
      socket.resume();
    },
  });
  const { client, connections } = accepted;
  client.write(sslRequest.subarray(0, 5));
  await until("the first bytes to be there", () => accepted.raw.bytesRead === 5);
  const drained = connections.drain(60_000).then(() => isDrained.push(true));
  client.end("plain after all");
  let heard = "";
  for await (const chunk of client) heard += String(chunk);
  assert.equal(heard, `${sslRequest.toString("latin1", 0, 5)}plain after all`);
  await drained;
  assert.deepEqual([sizes, isDrained], [[1], [true]]);
});

test("a drain closes who has said nothing, and lets a handshake become a connection", async () => {
  await using silent = await accept();
  await silent.connections.drain(60_000);
  const served: Socket[] = [];
  await using accepted = await accept({
    routeTls: () =>
      terminating((socket) => {
        served.push(socket);
        const own = { beginDrain() {}, destroy: () => socket.destroy() };
        accepted.connections.add(own);
        socket.once("close", () => accepted.connections.delete(own));
      }),
  });
  const hello = await clientHello({ servername: "a.test" });
  accepted.client.write(hello.subarray(0, 10));
  await until("its beginning", () => accepted.raw.bytesRead === 10);
  const drained = accepted.connections.drain(60_000);
  accepted.client.destroy();
  await drained;
  assert.equal(served.length, 0);

  await using whole = await accept({
    routeTls: () => terminating((socket) => void socket.end("served")),
  });
  const client = connectTls({ socket: whole.client, servername: "a.test", ca: authority.cert });
  client.on("error", () => {});
  await until("its ClientHello", () => whole.raw.bytesRead > 0);
  void whole.connections.drain(60_000);
  const [text] = (await once(client, "data")) as [Buffer];
  assert.equal(String(text), "served");
  client.destroy();
});

test("what cannot be served is told by an alert and closed", async () => {
  for (const fields of [
    {},
    { routeTls: () => terminating(() => {}), credentialsFor: () => undefined },
  ]) {
    await using accepted = await accept(fields);
    accepted.client.write(await clientHello({ servername: "a.test" }));
    const [alert] = (await once(accepted.client, "data")) as [Buffer];
    assert.deepEqual([...alert], [0x15, 3, 3, 0, 2, 2, 0x28]);
    await once(accepted.client, "close");
    await until("nothing to be left", () => accepted.connections.size === 0);
    assert.deepEqual(accepted.plain, []);
  }
});
