/** A control plane in a thread of its own, as `up` runs it. */
import { parentPort, workerData } from "node:worker_threads";
import { keepCompileCache } from "../foundation/keep-compile-cache.ts";
import { createLog, type LogOptions } from "../foundation/pino-log.ts";
import { ControlPlane } from "./control-plane.ts";
import type { ControlPlaneOptions } from "./control-plane-options.ts";

/** `workerData` of the thread. */
export interface ControlPlaneThreadData {
  readonly options: ControlPlaneOptions;
  readonly log: LogOptions;
}

export type ToControlPlaneThread = { readonly kind: "reload" } | { readonly kind: "stop" };

export type FromControlPlaneThread =
  /** Its listeners are bound. */
  | { readonly kind: "ready" }
  | { readonly kind: "failed"; readonly reason: string }
  | { readonly kind: "stopped" };

if (parentPort === null) throw new Error("Cannot run the control plane: this is not a thread");
keepCompileCache();
const port = parentPort;
const post = (message: FromControlPlaneThread) => port.postMessage(message);
const data: ControlPlaneThreadData = workerData;
const controlPlane = new ControlPlane({ options: data.options, log: createLog(data.log) });

port.on("message", (message: ToControlPlaneThread) => {
  switch (message.kind) {
    case "reload":
      controlPlane.reload();
      break;
    case "stop":
      void stop();
      break;
  }
});

controlPlane.start().then(
  () => post({ kind: "ready" }),
  (error: unknown) => {
    post({ kind: "failed", reason: error instanceof Error ? error.message : String(error) });
  },
);

async function stop(): Promise<void> {
  await controlPlane.stop();
  post({ kind: "stopped" });
  port.close();
}
