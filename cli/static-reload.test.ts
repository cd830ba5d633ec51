import assert from "node:assert/strict";
import { test } from "node:test";
import { loadStaticConfiguration } from "../config-model/static/load-static-configuration.ts";
import { RecordingLog } from "../test/support/recording-log.ts";
import { StaticReload } from "./static-reload.ts";

const file = "/etc/switchyard/switchyard.yml";
const first = `
entryPoints: { web: { address: ":8000" } }
providers: { file: { directory: conf.d } }
api: {}
`;

/** A process started with `first`, whose file can be changed and removed. */
function scenario() {
  const files = new Map([[file, first]]);
  const read = () =>
    loadStaticConfiguration({
      flags: [],
      env: {},
      readFile: (path) => files.get(path),
      resolvePath: (path) => path,
    });
  const log = new RecordingLog();
  const reload = new StaticReload({ loaded: read(), read, log });
  return {
    files,
    /** The configuration to be used, and what was logged. */
    read: () => {
      log.lines.length = 0;
      const configuration = reload.read();
      return { configuration, log: log.lines.map(({ level, message }) => `${level}: ${message}`) };
    },
  };
}

const done = "info: static configuration read";

test("StaticReload gives the new configuration and says what is new to say", () => {
  const { files, read } = scenario();
  files.set(file, `${first}ping: {}\n`.replace(":8000", ":9000"));
  const { configuration, log } = read();
  assert.equal(configuration?.entryPoints.get("web")?.port, 9_000);
  assert.deepEqual(log, [`warn: ${file}:5:1: ping is not supported yet`, done]);
  assert.deepEqual(read().log, [done]);
});

test("StaticReload names what needs a restart in one line, until the old value is back", () => {
  const { files, read } = scenario();
  const other = first.replace("conf.d", "routes.d").concat("log: { level: debug }\n");
  for (const _ of ["first", "second"]) {
    files.set(file, other);
    assert.deepEqual(read().log, [
      done,
      "warn: needs a restart: providers.file.directory, log.level",
    ]);
  }
  files.set(file, first);
  assert.deepEqual(read().log, [done]);
});

test("StaticReload keeps what there was when the file is broken, with a line for each mistake", () => {
  const { files, read } = scenario();
  files.set(file, "entryPoints: { web: { adress: ':1' } }\nlog: { level: loud }\n");
  const kept = "error: Cannot reload the static configuration: the one before stays in use";
  assert.deepEqual(read(), {
    configuration: undefined,
    log: [
      `error: ${file}:1:23: Unknown key "adress" in entryPoints.web (did you mean "address"?)`,
      `error: ${file}:2:15: Invalid value "loud" for log.level: valid are debug, info, warn, error`,
      kept,
    ],
  });
  files.set(file, first);
  assert.equal(read().configuration?.entryPoints.get("web")?.port, 8_000);
});

test("StaticReload does not take defaults for a file that was removed, nor another file", () => {
  const { files, read } = scenario();
  const moved = (source: string) => ({
    configuration: undefined,
    log: [
      `error: Cannot reload the static configuration: it came from ${file} and would come from ${source} now (restart to use it)`,
    ],
  });
  files.delete(file);
  assert.deepEqual(read(), moved("defaults"));
  files.set("./switchyard.yml", first);
  assert.deepEqual(read(), moved("./switchyard.yml"));
});
