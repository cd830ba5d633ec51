/**
 * `npm run test:faults [-- --small] [-- --without-guards] [-- FILE...]`: every fault of docs/reliability.md at full size,
 * or at its smallest; or each one's twin, whose guard is switched off and which has to fail.
 */
import { spawn } from "node:child_process";
import { parseArgs } from "node:util";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { small: { type: "boolean" }, "without-guards": { type: "boolean" } },
});

const withoutGuards = values["without-guards"] === true;
const timeoutMs = values.small || withoutGuards ? 180_000 : 1_800_000;
const child = spawn(
  process.execPath,
  [
    "--test",
    `--test-timeout=${timeoutMs}`,
    // Processes and clocks of one fault do not wait for those of another.
    "--test-concurrency=1",
    "--test-global-setup=./test/support/global-setup.ts",
    "--import=./test/support/leak-guard.ts",
    "--test-reporter=./test/support/summary-reporter.ts",
    ...(positionals.length > 0 ? positionals : ["test/faults/**/*.test.ts"]),
  ],
  {
    stdio: "inherit",
    env: {
      ...process.env,
      FAULT_SIZE: values.small ? "small" : "full",
      ...(withoutGuards && { FAULT_WITHOUT_GUARDS: "1" }),
    },
  },
);
child.on("exit", (code, signal) => {
  process.exitCode = signal === null ? (code ?? 1) : 1;
});
