/** `switchyard data-plane` with other times and habits than an operator can choose: `node THIS '{"lastKnownGood":{"bases":1}}' FLAGS...`. */
import { parseArgs } from "node:util";
import { runUntilSignal } from "../../../cli/run-until-signal.ts";
import type { AgentOptions } from "../../../data-plane/agent/agent-options.ts";
import { DataPlane } from "../../../data-plane/data-plane.ts";
import { createLog } from "../../../foundation/pino-log.ts";

const [chosen = "{}", ...args] = process.argv.slice(2);
const tuning: NonNullable<AgentOptions["tuning"]> = JSON.parse(chosen);
const { values } = parseArgs({
  args,
  options: {
    "control-plane": { type: "string", default: "" },
    "state-dir": { type: "string", default: "" },
    "entryPoints.web.address": { type: "string", default: "" },
    "node-id": { type: "string", default: "node" },
    "ready-max-age": { type: "string", default: "0" },
  },
});
const log = createLog({ level: "info", format: "json" });
const running = new DataPlane({
  agent: {
    controlPlanes: values["control-plane"].split(","),
    followsOnRequest: false,
    tls: undefined,
    adoptFleet: undefined,
    nodeId: values["node-id"],
    labels: [],
    version: "0.0.0-test",
    stateDir: values["state-dir"],
    entryPointAddresses: { web: values["entryPoints.web.address"] },
    admin: { address: "127.0.0.1:0", isRequired: true },
    readyMaxAgeMs: Number(values["ready-max-age"]) * 1_000,
    routerMetrics: false,
    logLevel: "info",
    tuning,
  },
  workers: 1,
  isFirstBindRequired: false,
  log,
});
running.startWorkers();
process.exitCode = await runUntilSignal(running, log);
