/** A traffic thread: hands messages of the main thread and the agent to a `TrafficWorker`. */
import { parentPort, workerData } from "node:worker_threads";
import { keepCompileCache } from "../../foundation/keep-compile-cache.ts";
import type { MainToWorker, TrafficWorkerData, WorkerToMain } from "./worker-protocol.ts";
import { WorkerTraffic } from "./worker-traffic.ts";

if (parentPort === null) throw new Error("Cannot serve traffic: this is not a worker thread");
keepCompileCache();
const port = parentPort;
const data: TrafficWorkerData = workerData;
const worker = new WorkerTraffic({
  data,
  post: (message: WorkerToMain) => port.postMessage(message),
});
port.on("message", (message: MainToWorker) => worker.receive(message));
worker.start();
