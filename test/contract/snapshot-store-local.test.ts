import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LocalSnapshotStore } from "../../control-plane/snapshot-store/local-snapshot-store.ts";
import { silentLog } from "../support/silent-log.ts";
import { snapshotStoreConformance } from "./snapshot-store.contract.ts";

snapshotStoreConformance("local", {
  propertyRuns: 30,
  world: async () => {
    const folder = await mkdtemp(join(tmpdir(), "switchyard-store-"));
    return {
      store: () => new LocalSnapshotStore({ file: join(folder, "store.sqlite"), log: silentLog }),
      [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
    };
  },
});
