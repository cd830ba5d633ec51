/**
 * A control plane in a thread of its own, as `up` runs it. The thread loads its code while the main thread still reads
 * the configuration; `start` brings what it is started with.
 */
import { parentPort } from "node:worker_threads";
import type { StaticConfiguration } from "../config-model/static/static-configuration.ts";
import { errorText } from "../foundation/error-text.ts";
import { forwardingLog, type LogMessage } from "../foundation/forwarding-log.ts";
import { keepCompileCache } from "../foundation/keep-compile-cache.ts";
import type { LogLevel } from "../foundation/log.ts";
import { ControlPlane } from "./control-plane.ts";
import type { ControlPlaneOptions } from "./control-plane-options.ts";

export type ToControlPlaneThread =
  | { readonly kind: "start"; readonly options: ControlPlaneOptions; readonly logLevel: LogLevel }
  | { readonly kind: "reload"; readonly configuration: StaticConfiguration | undefined }
  | { readonly kind: "stop" };

export type FromControlPlaneThread =
  /** Its code is there: it has begun to start. */
  | { readonly kind: "loaded" }
  /** Its listeners are bound. */
  | { readonly kind: "ready" }
  | { readonly kind: "failed"; readonly reason: string }
  | { readonly kind: "stopped" }
  | LogMessage;

if (parentPort === null) throw new Error("Cannot run the control plane: this is not a thread");
keepCompileCache();
const port = parentPort;
const post = (message: FromControlPlaneThread) => port.postMessage(message);
let controlPlane: ControlPlane | undefined;

port.on("message", (message: ToControlPlaneThread) => {
  switch (message.kind) {
    case "start":
      post({ kind: "loaded" });
      controlPlane = new ControlPlane({
        options: message.options,
        log: forwardingLog(message.logLevel, post),
      });
      controlPlane.start().then(
        () => post({ kind: "ready" }),
        (error: unknown) => post({ kind: "failed", reason: errorText(error) }),
      );
      controlPlane.failed.catch((error: unknown) => {
        post({ kind: "failed", reason: errorText(error) });
      });
      break;
    case "reload":
      controlPlane?.reload(message.configuration);
      break;
    case "stop":
      void stop();
      break;
  }
});

async function stop(): Promise<void> {
  await controlPlane?.stop();
  post({ kind: "stopped" });
  port.close();
}
