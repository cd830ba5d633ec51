/** One control plane's store in a process of its own, which commits without a pause and says what became of each commit. */
import { parseArgs } from "node:util";
import { EtcdSnapshotStore } from "../../../control-plane/snapshot-store/etcd-snapshot-store.ts";
import { digestOf, resource, StateReader, upsert } from "../../contract/snapshot-store.contract.ts";
import { silentLog } from "../../support/silent-log.ts";
import { anonymous } from "../../support/watched.ts";

const { values } = parseArgs({
  options: {
    endpoint: { type: "string", default: "" },
    root: { type: "string", default: "" },
    ttl: { type: "string", default: "2" },
    unguarded: { type: "boolean", default: false },
  },
});
const store = new EtcdSnapshotStore({
  etcd: { ...anonymous, endpoints: [values.endpoint], rootKey: values.root },
  log: silentLog,
  leaseTtlSeconds: Number(values.ttl),
  // A clock that stands still, so that no term ends by it: the fence alone is left.
  guards: { fence: !values.unguarded, now: () => 0 },
});
let isLeading = false;
await store.open(new StateReader(), new AbortController().signal);
store.onLeadership((leading) => {
  isLeading = leading;
});
for (;;) {
  const wasLeading = isLeading;
  const said = await store.commit(upsert(resource("r", "old leader")), digestOf("old")).then(
    ({ generation }) => `committed ${generation.number}`,
    (error: Error) => error.name,
  );
  if (said !== "NotLeaderError") console.log(said);
  else if (wasLeading) console.log("fenced");
  else await new Promise((resolve) => setTimeout(resolve, 20));
}
