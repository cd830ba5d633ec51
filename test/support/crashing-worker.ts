/** A traffic thread for tests of those that start them: echoes what its sockets send, and dies when one sends `die`. */
import type { Socket } from "node:net";
import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import {
  heartbeatSlot,
  openConnectionsSlot,
  type TrafficWorkerData,
  workerColumnLength,
} from "../../data-plane/worker/worker-protocol.ts";
import { monotonicMs } from "../../foundation/monotonic-ms.ts";

const { columns, index }: TrafficWorkerData = workerData;
const slots = new Int32Array(columns);
const first = index * workerColumnLength;
const beat = () => Atomics.store(slots, first + heartbeatSlot, monotonicMs());
beat();
setInterval(beat, 10);

/** As the messages of the main thread, and a word to the agent's side once this thread runs. */
parentPort?.on("message", (message: { kind: string; socket?: Socket; port?: MessagePort }) => {
  const { socket, port } = message;
  port?.postMessage("loaded");
  port?.unref();
  if (message.kind === "drain") parentPort?.postMessage({ kind: "drained" });
  if (socket === undefined) return;
  socket.on("close", () => Atomics.sub(slots, first + openConnectionsSlot, 1));
  socket.on("error", () => {});
  socket.on("data", (data) => {
    if (String(data) === "die") throw new Error("asked to die");
    socket.write(`${index}:${data}`);
  });
  socket.resume();
});
