import { after, before } from "node:test";
import { EtcdSnapshotStore } from "../../control-plane/snapshot-store/etcd-snapshot-store.ts";
import { TestEtcd } from "../support/etcd.ts";
import { silentLog } from "../support/silent-log.ts";
import { anonymous } from "../support/watched.ts";
import { snapshotStoreConformance } from "./snapshot-store.contract.ts";

let etcd: TestEtcd;
let worlds = 0;

before(async () => {
  etcd = await TestEtcd.start();
});
after(async () => {
  await etcd[Symbol.asyncDispose]();
});

snapshotStoreConformance("etcd", {
  propertyRuns: 10,
  world: async () => {
    // A root of its own is as good as an etcd of its own.
    const access = { ...anonymous, endpoints: [etcd.endpoint], rootKey: `world-${worlds++}` };
    return {
      store: () => new EtcdSnapshotStore({ etcd: access, log: silentLog }),
      [Symbol.asyncDispose]: async () => {},
    };
  },
});
