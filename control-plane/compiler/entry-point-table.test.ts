import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { EntryPointTable } from "./entry-point-table.ts";

const traits = (asDefault: boolean, isUdp = false) => ({
  isUdp,
  asDefault,
  tlsOptions: undefined,
  localMiddlewares: [],
});
const tcp = (selection: readonly string[] | "default") => ({ selection, isUdp: false });
const udp = (selection: readonly string[] | "default") => ({ selection, isUdp: true });

describe("EntryPointTable", () => {
  test("takes all but the router's own entry point as default ones, unless some are marked", () => {
    const table = new EntryPointTable();
    const defaults = () => {
      table.takeAffectedRouters();
      return table.bind(tcp("default")).names;
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
      return table.bind(tcp("default")).names;
    };
    table.set("open", traits(false));
    table.setClosedDefault("internal");
    assert.deepEqual(defaults(), []);
    assert.deepEqual(table.bind(tcp(["internal"])).unknown, ["internal"]);
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
    const { names, unknown } = table.bind(tcp(["b", "x", "a", "b", "x"]));
    assert.deepEqual([names, unknown], [["b", "a"], ["x"]]);
  });

  test("names the routers a change makes a difference for, and no others", () => {
    const table = new EntryPointTable();
    table.set("web", traits(false));
    table.takeAffectedRouters();
    table.select("named", undefined, tcp(["web", "late"]));
    table.select("follower", undefined, tcp("default"));
    table.select("other", undefined, tcp(["elsewhere"]));
    table.set("web", traits(false));
    assert.deepEqual(table.takeAffectedRouters(), [], "set again to what it was");
    table.set("late", traits(false));
    assert.deepEqual(table.takeAffectedRouters(), ["named", "follower"]);
    table.select("named", tcp(["web", "late"]), undefined);
    table.select("follower", tcp("default"), tcp(["web"]));
    table.set("late", undefined);
    assert.deepEqual(table.takeAffectedRouters(), []);
    table.set("web", undefined);
    assert.deepEqual(table.takeAffectedRouters(), ["follower"]);
  });

  test("keeps UDP apart: its routers follow every UDP entry point, marked as default or not", () => {
    const table = new EntryPointTable();
    table.select("udp", undefined, udp("default"));
    table.select("tcp", undefined, tcp("default"));
    table.set("web", traits(false));
    table.set("dns", traits(false, true));
    assert.deepEqual(table.takeAffectedRouters(), ["tcp", "udp"]);
    assert.deepEqual(table.bind(tcp("default")).names, ["web"]);
    assert.deepEqual(table.bind(udp("default")).names, ["dns"]);
    table.set("log", traits(true, true));
    assert.deepEqual(table.takeAffectedRouters(), ["udp"]);
    assert.deepEqual(
      table.bind(tcp("default")).names,
      ["web"],
      "a marked UDP one says nothing here",
    );
    assert.deepEqual(table.bind(udp("default")).names, ["dns", "log"]);
    const asked = ["web", "dns", "no"];
    assert.deepEqual(table.bind(tcp(asked)), { names: ["web"], unknown: ["no"], unfit: ["dns"] });
    assert.deepEqual(table.bind(udp(asked)), { names: ["dns"], unknown: ["no"], unfit: ["web"] });
    table.set("dns", traits(false));
    assert.deepEqual(table.takeAffectedRouters(), ["tcp", "udp"], "it takes TCP now");
  });
});
