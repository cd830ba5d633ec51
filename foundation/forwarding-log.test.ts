import assert from "node:assert/strict";
import { test } from "node:test";
import { forwardingLog, type LogMessage } from "./forwarding-log.ts";

test("forwardingLog() hands on lines from its level up, with fields that cross threads", () => {
  const posted: LogMessage[] = [];
  const log = forwardingLog("info", (message) => posted.push(message));
  log.debug("not wanted");
  log.warn("cannot reach", {
    error: new Error("outer", { cause: new Error("inner") }),
    number: 7n,
    list: [1],
    text: "plain",
    handler: () => {},
  });
  assert.deepEqual(posted, [
    {
      kind: "log",
      level: "warn",
      message: "cannot reach",
      fields: {
        error: "outer: inner",
        number: "7",
        list: "[1]",
        text: "plain",
        handler: undefined,
      },
    },
  ]);
  structuredClone(posted);
});
