import {
  allowEmpty,
  always,
  bool,
  degraded,
  duration,
  map,
  struct,
  text,
  texts,
} from "../../schema/schema.ts";
import { clientTls } from "./provider-schema.ts";

/** Our own keys. */
export const fleetSchema = always({
  stream: always({
    address: text(),
    tls: struct({ cert: text(), key: text(), clientCA: text() }),
  }),
  admin: always({ address: text(), tokenFile: text() }),
  insecure: bool(),
  insecureSecrets: bool(),
  stateDir: text(),
  store: struct({
    etcd: allowEmpty({
      endpoints: texts(),
      rootKey: text("switchyard"),
      username: text(),
      password: text(),
      tls: clientTls,
    }),
    local: allowEmpty({}),
  }),
  groups: degraded(map(struct({ entryPoints: texts() }))),
  guard: always({ removals: text("30%") }),
  rejection: text("isolate", { values: ["isolate", "strict"] }),
  files: degraded(struct({ allow: texts() })),
  nodes: degraded(struct({ forgetAfter: duration() })),
});
