import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { byText } from "../../../foundation/by-text.ts";
import { RecordingLog } from "../../../test/support/recording-log.ts";
import { until } from "../../../test/support/until.ts";
import { SettledWatch } from "./settled-watch.ts";

let root = "";
let watch: SettledWatch;
let log: RecordingLog;
/** The folders told, as names below the root; "?" where there were none to tell. */
let told: string[] = [];
const at = (name: string) => join(root, name);

beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), "switchyard-watch-")));
  for (const name of ["a", "b", "c"]) mkdirSync(at(name));
  log = new RecordingLog();
  told = [];
  watch = new SettledWatch({
    log,
    settleMs: 5,
    onSettled: (folders) => {
      const names = [...(folders ?? [])].map((folder) => folder.slice(root.length + 1));
      told.push(folders === undefined ? "?" : names.toSorted(byText).join());
    },
  });
});
afterEach(() => {
  watch.close();
  rmSync(root, { recursive: true });
});

test("SettledWatch tells in which folders something changed, a new one's past included", async () => {
  watch.follow([at("a"), at("b")]);
  await until("the beginning", () => told.join() === "a,b");
  watch.follow([at("a"), at("b")]);
  writeFileSync(join(at("b"), "x"), "1");
  await until("the change", () => told.includes("b"));
  watch.follow([at("b"), at("c")]);
  await until("the new folder", () => told.includes("c"));
  writeFileSync(join(at("a"), "x"), "1");
  writeFileSync(join(at("c"), "x"), "1");
  await until("another change", () => told.filter((names) => names === "c").length === 2);
  assert.ok(!told.includes("a"), "it is watched no more");
});

test("SettledWatch says when it is time to look, at the soonest of several times, and nothing once closed", async () => {
  watch.lookWithin(600_000);
  watch.lookWithin(5);
  watch.lookWithin(300_000);
  await until("the soonest", () => told.length === 1);
  assert.deepEqual(told, ["?"]);
  watch.lookWithin(1);
  watch.forgetDue();
  watch.follow([at("a")]);
  await until("what is due after", () => told.length === 2);
  assert.deepEqual(told, ["?", "a"]);
  watch.close();
  watch.lookWithin(0);
  watch.follow([at("b")]);
  let isLater = false;
  const onSettled = () => {
    isLater = true;
  };
  const other = new SettledWatch({ log, settleMs: 5, onSettled });
  other.lookWithin(10);
  await until("another one's time", () => isLater);
  other.close();
  assert.equal(told.length, 2);
});

test("SettledWatch takes a folder it cannot watch for changed once a second, and complains once", async () => {
  watch.follow([at("none")]);
  await until("the first time", () => told.length === 1);
  watch.follow([at("none")]);
  await until("the second time", () => told.length === 2);
  assert.deepEqual(told, ["none", "none"]);
  assert.equal(JSON.stringify(log).split("cannot be watched").length, 2);
});
