/**
 * Run once by `npm ci`: loads what every thread of the program loads, so that already the first start finds it compiled.
 * Nothing depends on it; without it the first start takes about twice as long.
 */
import { flushCompileCache } from "node:module";

await Promise.all([
  import("./main.ts"),
  import("./up.ts"),
  import("./load-static.ts"),
  import("./control-plane.ts"),
  import("./data-plane.ts"),
  import("../data-plane/agent/agent.ts"),
  import("../data-plane/agent/grpc-snapshot-stream.ts"),
  import("../data-plane/worker/worker-traffic.ts"),
]);
flushCompileCache();
// What was loaded may hold timers or handles; nothing was started.
process.exit(0);
