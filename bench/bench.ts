/** `npm run bench -- NAME [options]`: one measurement, or the list of them. */
const benches: ReadonlyMap<string, { readonly what: string; readonly load: () => Promise<Bench> }> =
  new Map([
    [
      "http",
      {
        what: "CPU per proxied request beside nginx, HAProxy, Caddy",
        load: () => import("./http.ts"),
      },
    ],
    [
      "routing",
      {
        what: "time of a routing decision by number of routers",
        load: () => import("./routing.ts"),
      },
    ],
    ["propagation", { what: "etcd put to served", load: () => import("./propagation.ts") }],
    [
      "burst",
      {
        what: "first load, and many new routers in one go, to the last of many data planes",
        load: () => import("./burst.ts"),
      },
    ],
    [
      "change-cost",
      {
        what: "CPU and bytes per change by number of routers",
        load: () => import("./change-cost.ts"),
      },
    ],
    [
      "loading",
      {
        what: "time and memory to load routers by kind of source",
        load: () => import("./loading/loading.ts"),
      },
    ],
    [
      "fleet",
      {
        what: "memory, loop delay and convergence of a control plane with many data planes",
        load: () => import("./fleet.ts"),
      },
    ],
    ["startup", { what: "start of `up` to its first answer", load: () => import("./startup.ts") }],
  ]);

interface Bench {
  readonly run: (args: string[]) => Promise<void>;
}

const [name, ...args] = process.argv.slice(2);
const bench = name === undefined ? undefined : benches.get(name);
if (bench === undefined) {
  const list = [...benches].map(([key, { what }]) => `  ${key.padEnd(14)} ${what}\n`).join("");
  process.stderr.write(`usage: npm run bench -- NAME\n${list}`);
  process.exitCode = 2;
} else {
  await (await bench.load()).run(args);
}
