/** An upstream that keeps every byte it is sent and answers as it is told. */
import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";

export interface OriginConnection {
  readonly socket: Socket;
  /** Everything received, one character per byte. */
  received: string;
  /** Where in `received` the request not answered yet begins. */
  answered: number;
}

/** What to send for a request that has arrived completely; undefined: nothing. */
export type Answer = (request: string, connection: OriginConnection) => string | undefined;

export const okAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

export class OriginRecorder implements AsyncDisposable {
  readonly connections: OriginConnection[] = [];
  readonly #server: Server;
  #answer: Answer;

  private constructor(answer: Answer) {
    this.#answer = answer;
    this.#server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) =>
      this.#accept(socket),
    );
  }

  static async start(answer: Answer = () => okAnswer): Promise<OriginRecorder> {
    const origin = new OriginRecorder(answer);
    origin.#server.listen(0, "127.0.0.1");
    await once(origin.#server, "listening");
    return origin;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** What all connections received, in order of their opening. */
  get received(): string {
    return this.connections.map((connection) => connection.received).join("");
  }

  answerWith(answer: Answer): void {
    this.#answer = answer;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { socket } of this.connections) socket.destroy();
    this.#server.close();
    await once(this.#server, "close");
  }

  #accept(socket: Socket): void {
    const connection: OriginConnection = { socket, received: "", answered: 0 };
    this.connections.push(connection);
    socket.on("error", () => {}); // "close" follows
    socket.on("end", () => socket.end());
    socket.on("data", (bytes: Buffer) => {
      connection.received += bytes.toString("latin1");
      for (;;) {
        const request = completeRequest(connection.received.slice(connection.answered));
        if (request === undefined) return;
        connection.answered += request.length;
        const answer = this.#answer(request, connection);
        if (answer !== undefined) socket.write(answer, "latin1");
      }
    });
  }
}

function completeRequest(text: string): string | undefined {
  const headEnd = text.indexOf("\r\n\r\n");
  if (headEnd === -1) return undefined;
  const head = text.slice(0, headEnd + 4);
  if (/^transfer-encoding: chunked\r$/im.test(head)) {
    const body = /^(?:[1-9a-f][0-9a-f]*\r\n[\s\S]*?\r\n)*?0\r\n(?:[^\r\n]+\r\n)*\r\n/i.exec(
      text.slice(head.length),
    );
    return body === null ? undefined : head + body[0];
  }
  const length = Number(/^content-length: (\d+)\r$/im.exec(head)?.[1] ?? 0);
  return text.length < head.length + length ? undefined : text.slice(0, head.length + length);
}
