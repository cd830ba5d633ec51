import assert from "node:assert/strict";
import { test } from "node:test";
import { loadStaticConfiguration } from "./load-static-configuration.ts";
import { StaticConfigurationError } from "./static-configuration-error.ts";

const long = "n".repeat(5_000);

function refusal(init: { flags?: readonly string[]; env?: Readonly<Record<string, string>> }) {
  let message = "";
  const load = () =>
    loadStaticConfiguration({
      flags: [],
      env: {},
      readFile: () => undefined,
      resolvePath: (path) => path,
      ...init,
    });
  assert.throws(load, (error) => {
    assert.ok(error instanceof StaticConfigurationError);
    ({ message } = error);
    return true;
  });
  return message;
}

test("refusals repeat no name or path of absurd length", () => {
  const address = refusal({ env: { [`SWITCHYARD_ENTRYPOINTS_${long}_ADDRESS`]: "x" } });
  assert.match(address, /^SWITCHYARD_.*: Invalid value "x" for entryPoints\.n+\.\.\. expected /);
  assert.ok(address.length < 700, `${address.length} characters`);
  const file = refusal({ flags: [`--configFile=${long}.yml`] });
  assert.match(file, /^Cannot read configuration file "n+\.\.\.": there is no such file$/);
  assert.ok(file.length < 400, `${file.length} characters`);
});

test("warnings name at most a hundred variables that are not read", () => {
  const { warnings } = loadStaticConfiguration({
    flags: [],
    env: Object.fromEntries(Array.from({ length: 120 }, (_, index) => [`TRAEFIK_V${index}`, ""])),
    readFile: () => undefined,
    resolvePath: (path) => path,
  });
  assert.match(warnings.join("\n"), /^Not read: TRAEFIK_V0, .* and 20 more; rename the prefix/m);
});
