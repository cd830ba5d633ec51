/**
 * Load over HTTP/2, as wrk makes it over HTTP/1.1: connections with a number of streams each, a new request as soon as one is
 * answered. Prints how many were. wrk speaks no HTTP/2, and the client's own CPU is not part of any figure.
 */
import { type ClientHttp2Session, connect } from "node:http2";
import { parseArgs } from "node:util";

const { values } = parseArgs({
  options: {
    port: { type: "string", default: "" },
    connections: { type: "string", default: "4" },
    streams: { type: "string", default: "16" },
    seconds: { type: "string", default: "3" },
    hosts: { type: "string", default: "1" },
  },
});

const hosts = Number(values.hosts);
const endMs = performance.now() + Number(values.seconds) * 1_000;
let requests = 0;
let failures = 0;

function authority(): string {
  return `host-${Math.floor(Math.random() * hosts)}.example.com`;
}

function open(): Promise<void> {
  const session = connect(`https://127.0.0.1:${values.port}`, {
    rejectUnauthorized: false,
    servername: "host-0.example.com",
  });
  session.on("error", () => void failures++);
  const running = Array.from({ length: Number(values.streams) }, () => keepAsking(session));
  return Promise.all(running).then(() => session.close());
}

function keepAsking(session: ClientHttp2Session): Promise<void> {
  return new Promise((resolve) => {
    const ask = () => {
      if (performance.now() >= endMs || session.destroyed) {
        resolve();
        return;
      }
      const stream = session.request({ ":path": "/", ":authority": authority() });
      let isGood = false;
      stream.on("response", (headers) => {
        isGood = headers[":status"] === 200;
      });
      stream.on("error", () => {}); // "close" follows
      stream.on("close", () => {
        if (isGood) requests++;
        else failures++;
        ask();
      });
      stream.resume();
    };
    ask();
  });
}

await Promise.all(Array.from({ length: Number(values.connections) }, open));
process.stdout.write(`${requests} requests, ${failures} failures\n`);
