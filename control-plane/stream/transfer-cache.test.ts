import assert from "node:assert/strict";
import { test } from "node:test";
import { Compression, FollowResponse } from "../../proto/gen/switchyard/fleet/v1/fleet.ts";
import { bodyResource } from "../../test/support/data-plane-resources.ts";
import { MemorySnapshotStore } from "../../test/support/memory-snapshot-store.ts";
import { routerResource } from "../../test/support/resources.ts";
import { silentLog } from "../../test/support/silent-log.ts";
import { GenerationPublisher } from "../snapshot-store/generation-publisher.ts";
import { TransferCache } from "./transfer-cache.ts";

const plain = Compression.UNSPECIFIED;
const pair = { certPem: "cert", keyPem: "-----BEGIN PRIVATE KEY-----", stores: [] };
const certificate = bodyResource("abc@file", { $case: "tlsCertificate", value: pair });

test("TransferCache offers no generation with a private key where keys are withheld", async () => {
  const store = new MemorySnapshotStore("fleet-a", {
    upserts: [routerResource("r1"), certificate],
    removals: [],
  });
  const publisher = new GenerationPublisher({ store, log: silentLog });
  await publisher.start(new AbortController().signal);
  publisher.publishReady();
  const { committed } = publisher;
  const open = new TransferCache({ committed });
  const withholding = new TransferCache({ committed, withholdsKeys: true });
  const sent = open.transferFrom(undefined, plain);
  assert.ok(sent !== undefined);
  const bytes = Buffer.concat([...sent.frames()]);
  assert.ok(bytes.includes(pair.keyPem), "without the guard the key is sent");
  assert.equal(withholding.transferFrom(undefined, plain), undefined);

  const until = new Promise<void>((resolve) => committed.onChange(resolve));
  const emptyStore = bodyResource("default@file", {
    $case: "tlsStore",
    value: { defaultCertificate: undefined },
  });
  publisher.publish({ upserts: [emptyStore], removals: [certificate] });
  await until;
  const frames = [...(withholding.transferFrom(undefined, plain)?.frames() ?? [])];
  const kinds = frames.map((frame) => FollowResponse.decode(frame).message?.$case);
  assert.deepEqual(kinds, ["begin", "chunk", "commit"]);
});
