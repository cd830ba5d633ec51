/**
 * A small service to route to: one HTTP server per NAME=PORT argument, answering with its name and what it was asked.
 * It ends with the process that started it, so that an example leaves nothing behind.
 */
import { createServer } from "node:http";

const parent = process.ppid;
const names = process.argv.slice(2);
if (names.length === 0) {
  process.stderr.write("usage: backend.ts NAME=PORT ...\n");
  process.exit(2);
}

for (const argument of names) {
  const [name = "", port = ""] = argument.split("=");
  const server = createServer((request, response) => {
    const forwardedFor = request.headers["x-forwarded-for"] ?? "-";
    response.setHeader("Content-Type", "text/plain; charset=utf-8");
    response.end(
      `Hello from ${name}\n${request.method} ${request.url}\nHost: ${request.headers.host}\nX-Forwarded-For: ${forwardedFor}\n`,
    );
  });
  // Long, so that the router's pooled connections are not closed under it between two requests.
  server.keepAliveTimeout = 120_000;
  server.on("error", (error: NodeJS.ErrnoException) => {
    const reason = error.code === "EADDRINUSE" ? "port is in use" : error.message;
    process.stderr.write(`Cannot bind demo backend "${name}" to 127.0.0.1:${port}: ${reason}\n`);
    process.exit(1);
  });
  server.listen(Number(port), "127.0.0.1");
}

for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(0));
setInterval(() => {
  if (process.ppid !== parent) process.exit(0);
}, 250);
