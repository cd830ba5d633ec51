/** What bin/switchyard runs. */
import { keepCompileCache } from "../foundation/keep-compile-cache.ts";
import { main } from "./main.ts";

// From the first line on: without a listener Node opens its inspector on SIGUSR1.
process.on("SIGUSR1", () => {});
keepCompileCache();
await main(process.argv.slice(2));
