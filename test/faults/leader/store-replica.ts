/** One control plane's store in a process of its own, which commits ten times, and once more when it goes on after a stop; it says what became of each. */
import { parseArgs } from "node:util";
import { EtcdSnapshotStore } from "../../../control-plane/snapshot-store/etcd-snapshot-store.ts";
import {
  digestOf,
  openStore,
  resource,
  StateReader,
  upsert,
} from "../../contract/snapshot-store.contract.ts";
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
await openStore(store, new StateReader());

async function commit(): Promise<void> {
  const committed = store.commit(upsert(resource("r", "old leader")), digestOf("old"));
  const said = await committed.then(
    ({ generation }) => `committed ${generation.number}`,
    (error: Error) => error.name,
  );
  console.log(said);
}

// At once, before anything tells it that its time has passed.
process.on("SIGCONT", () => void commit());
for (let i = 0; i < 10; i++) await commit();
