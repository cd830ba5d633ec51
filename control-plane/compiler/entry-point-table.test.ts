import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { EntryPointTable } from "./entry-point-table.ts";

const traits = (asDefault: boolean) => ({ asDefault, tlsOptions: undefined, localMiddlewares: [] });

describe("EntryPointTable", () => {
  test("takes all but the router's own entry point as default ones, unless some are marked", () => {
    const table = new EntryPointTable();
    const defaults = () => {
      table.takeAffectedRouters();
      return table.bind("default").names;
    };
    table.set("web", traits(false));
    table.set("traefik", traits(false));
    table.set("alt", traits(false));
    assert.deepEqual(defaults(), ["alt", "web"]);
    table.set("web", traits(true));
    assert.deepEqual(defaults(), ["web"]);
    table.set("web", undefined);
    assert.deepEqual(defaults(), ["alt"]);
  });

  test("puts no other in the place of a marked one that is not opened", () => {
    const table = new EntryPointTable();
    const defaults = () => {
      table.takeAffectedRouters();
      return table.bind("default").names;
    };
    table.set("open", traits(false));
    table.setClosedDefault("internal");
    assert.deepEqual(defaults(), []);
    assert.deepEqual(table.bind(["internal"]), { names: [], unknown: ["internal"] });
    table.set("marked", traits(true));
    assert.deepEqual(defaults(), ["marked"]);
    table.set("marked", undefined);
    table.set("internal", undefined);
    assert.deepEqual(defaults(), ["open"]);
  });

  test("binds in the order asked for, each once, and tells what there is not", () => {
    const table = new EntryPointTable();
    table.set("a", traits(false));
    table.set("b", traits(false));
    assert.deepEqual(table.bind(["b", "x", "a", "b", "x"]), { names: ["b", "a"], unknown: ["x"] });
  });

  test("names the routers a change makes a difference for, and no others", () => {
    const table = new EntryPointTable();
    table.set("web", traits(false));
    table.takeAffectedRouters();
    table.select("named", undefined, ["web", "late"]);
    table.select("follower", undefined, "default");
    table.select("other", undefined, ["elsewhere"]);
    table.set("web", traits(false));
    assert.deepEqual(table.takeAffectedRouters(), [], "set again to what it was");
    table.set("late", traits(false));
    assert.deepEqual(table.takeAffectedRouters(), ["named", "follower"]);
    table.select("named", ["web", "late"], undefined);
    table.select("follower", "default", ["web"]);
    table.set("late", undefined);
    assert.deepEqual(table.takeAffectedRouters(), []);
    table.set("web", undefined);
    assert.deepEqual(table.takeAffectedRouters(), ["follower"]);
  });
});
