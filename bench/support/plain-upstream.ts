/** An upstream for machines without nginx: answers every request's end with the same bytes. */
import { createServer } from "node:net";
import { responseBody } from "./http-proxies.ts";

const answer = `HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: ${responseBody.length}\r\n\r\n${responseBody}`;

const server = createServer({ noDelay: true }, (socket) => {
  socket.setEncoding("latin1");
  socket.on("error", () => socket.destroy());
  socket.on("data", (text: string) => {
    if (text.endsWith("\r\n\r\n")) socket.write(answer, "latin1");
  });
});
server.listen(Number(process.argv[2]), "127.0.0.1");
process.on("SIGTERM", () => process.exit(0));
