import type { Socket } from "node:net";

export interface SpliceInit {
  readonly client: Socket;
  readonly upstream: Socket;
  /** After one side has ended, the other half is cut this much later; negative: never. */
  readonly terminationDelayMs: number;
}

/**
 * Copies bytes both ways until both sockets are closed. A side that reads slower than the other writes holds the other
 * back. The end of one side is passed on as an end (half-close); an error of one closes both.
 */
export function splice({ client, upstream, terminationDelayMs }: SpliceInit): void {
  let timer: NodeJS.Timeout | undefined;
  const copy = (from: Socket, to: Socket) => {
    from.on("data", (chunk: Buffer) => {
      if (!to.write(chunk)) from.pause();
    });
    to.on("drain", () => from.resume());
    from.on("end", () => {
      to.end();
      if (terminationDelayMs >= 0) timer ??= setTimeout(() => to.destroy(), terminationDelayMs);
    });
    from.on("error", () => to.destroy());
    from.on("close", () => {
      if (to.destroyed) clearTimeout(timer);
      // Cut off: what was read of it before is still delivered to the side that has ended.
      else if (to.readableEnded) to.end();
      else if (!from.readableEnded) to.destroy();
    });
    from.resume();
  };
  copy(client, upstream);
  copy(upstream, client);
}
