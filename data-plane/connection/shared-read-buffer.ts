import { type OnReadOpts, Socket, type SocketConstructorOpts } from "node:net";

/**
 * What all sockets of a thread read into. A read and its handling are one call, so that nothing of it is in use when the
 * next read comes: whoever wants to keep bytes copies them. Without it Node makes a buffer of 64 KiB for every read.
 */
const sharedBuffer = Buffer.allocUnsafeSlow(65_536);

export type Receive = (bytes: Buffer) => void;

/** Options for a socket that is being made; `bytes` are good during the call only. */
export function readShared(receive: Receive): OnReadOpts {
  return {
    buffer: sharedBuffer,
    callback: (length) => {
      receive(sharedBuffer.subarray(0, length));
      return true;
    },
  };
}

const untouched = new Socket();
const [bufferKey, callbackKey] = ["kBuffer", "kBufferCb"].map((name) =>
  Object.getOwnPropertySymbols(untouched).find(({ description }) => description === name),
);

/**
 * Lets a TLS socket read like `readShared`, which Node offers for those one connects and not for those made over a
 * connection: set where a constructor would have (a tenth less CPU per request). Where the inside of a socket is not as
 * expected it reads as usual. What had been decrypted before the socket was paused comes all the same: at the most what
 * one read of the connection held.
 */
export function readTlsShared(socket: Socket, receive: Receive): Socket {
  const handle: unknown = Reflect.get(socket, "_handle");
  const useUserBuffer: unknown =
    typeof handle === "object" && handle !== null && Reflect.get(handle, "useUserBuffer");
  const isReady = socket.readableLength === 0 && bufferKey !== undefined;
  if (!isReady || callbackKey === undefined || typeof useUserBuffer !== "function") {
    return socket.on("data", receive);
  }
  const { buffer, callback } = readShared(receive);
  Reflect.set(socket, bufferKey, buffer);
  Reflect.set(socket, callbackKey, callback);
  useUserBuffer.call(handle, buffer);
  return socket;
}

/**
 * An accepted socket that reads like `readShared`. Node offers that for sockets one makes, not for those it accepts or
 * passes between threads, so the connection moves into a new socket object by the handle both wrap (2 µs less CPU per
 * request). Where that is not possible the socket stays what it is. Nothing may have been read of it yet.
 */
export function adoptSocket(accepted: Socket, receive: Receive): Socket {
  const handle: unknown = Reflect.get(accepted, "_handle");
  const isUntouched =
    accepted.readableLength === 0 && !accepted.destroyed && !accepted.readableEnded;
  if (typeof handle !== "object" || handle === null || !isUntouched) {
    accepted.on("data", receive);
    return accepted;
  }
  const options = { handle, allowHalfOpen: true, onread: readShared(receive) };
  const socket = new Socket(options as SocketConstructorOpts);
  // The old object lets go of the handle, and closes when the connection does: whoever counts connections watches it.
  Reflect.set(accepted, "_handle", null);
  socket.once("close", () => accepted.destroy());
  return socket;
}
