/** From the exec of bin/switchyard to the first answer through the router, several times, the first with cold caches. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Origin, served } from "../test/support/fleet.ts";
import { freePort, Program } from "../test/support/program.ts";
import { quantile } from "./statistics.ts";

export async function run(args: string[]): Promise<void> {
  const { values } = parseArgs({ args, options: { times: { type: "string", default: "10" } } });
  await using origin = await Origin.start("hello");
  const directory = await mkdtemp(join(tmpdir(), "switchyard-startup-"));
  const timesMs: number[] = [];
  try {
    for (let index = 0; index < Number(values.times); index += 1) {
      timesMs.push(await start(origin, join(directory, String(index))));
    }
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
  const ms = (time: number | undefined) => `${(time ?? Number.NaN).toFixed(0)} ms`;
  process.stdout.write(
    `up to its first answer: first start ${ms(timesMs[0])},` +
      ` then median ${ms(quantile(timesMs.slice(1), 0.5))}, worst ${ms(quantile(timesMs.slice(1), 1))}\n`,
  );
}

async function start(origin: Origin, directory: string): Promise<number> {
  const port = await freePort();
  const file = `${directory}.yml`;
  await writeFile(file, configuration(port, file, origin.url));
  await using program = new Program([
    "up",
    `--configFile=${file}`,
    `--state-dir=${directory}`,
    "--admin=127.0.0.1:0",
  ]);
  await served(`127.0.0.1:${port}`, "hello");
  return performance.now() - program.startedAtMs;
}

function configuration(port: number, file: string, url: string): string {
  return `entryPoints:
  web:
    address: "127.0.0.1:${port}"
providers:
  file:
    filename: ${file}
fleet:
  admin:
    address: "127.0.0.1:0"
http:
  routers:
    hello:
      rule: PathPrefix(\`/\`)
      service: hello
  services:
    hello:
      loadBalancer:
        servers:
          - url: ${url}
`;
}
