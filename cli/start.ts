/** What bin/switchyard runs. Nothing heavy before the compile cache is on: every later import profits from it. */
import { enableCompileCache } from "node:module";

// From the first line on: without a listener Node opens its inspector on SIGUSR1.
process.on("SIGUSR1", () => {});
enableCompileCache();
const { main } = await import("./main.ts");
await main(process.argv.slice(2));
