import assert from "node:assert/strict";
import { test } from "node:test";
import { EtcdObjects } from "./etcd-objects.ts";

const put = (key: string, value = "x") => ({ key: `traefik/${key}`, value });
const remove = (key: string) => ({ key: `traefik/${key}`, value: undefined });

test("EtcdObjects names each touched object once and reads it whole", () => {
  const objects = new EtcdObjects("traefik/");
  const { touched } = objects.apply([
    put("http/routers/r/rule", "Host(`a.test`)"),
    put("http/routers/r/service", "s"),
    put("tcp/routers/r/service", "s"),
  ]);
  assert.deepEqual([...touched.keys()], ["httpRouter:r", "tcpRouter:r"]);
  const key = { kind: "httpRouter", name: "r" } as const;
  const { object } = objects.read("httpRouter:r", key);
  assert.ok(object?.config?.kind === "httpRouter");
  assert.deepEqual([object.config.rule, object.config.service], ["Host(`a.test`)", "s"]);
  assert.equal(object.source.location, "traefik/http/routers/r");
});

test("EtcdObjects keeps an object that is spelled in two ways until both are gone", () => {
  const objects = new EtcdObjects("traefik/");
  objects.apply([put("http/routers/r/service", "a"), put("HTTP//routers/r/service", "b")]);
  const key = { kind: "httpRouter", name: "r" } as const;
  objects.apply([remove("http/routers/r/service")]);
  assert.ok(objects.read("httpRouter:r", key).object?.config !== undefined);
  objects.apply([remove("HTTP//routers/r/service")]);
  assert.equal(objects.read("httpRouter:r", key).object, undefined);
  assert.deepEqual([...objects.ids()], []);
});

test("EtcdObjects reads the same of two spellings, in whatever order they came", () => {
  const key = { kind: "httpRouter", name: "r" } as const;
  const pairs = [put("http//routers/r/service", "a"), put("http/routers/r/service", "b")];
  const read = (changes: typeof pairs) => {
    const objects = new EtcdObjects("traefik/");
    objects.apply(changes);
    return objects.read("httpRouter:r", key).object;
  };
  const object = read(pairs);
  assert.ok(object?.config?.kind === "httpRouter" && object.config.service === "b");
  assert.deepEqual(read(pairs.toReversed()), object);
});

test("EtcdObjects tells stray keys of the configuration's sections from those of others, and passes over locks", () => {
  const objects = new EtcdObjects("traefik/");
  const all = [put("http/routes/r/rule"), put("acme/account"), put("http/routers/r___lock")];
  assert.deepEqual(objects.apply(all).touched.size, 0);
  assert.deepEqual(
    objects.strays.map(({ source }) => source.location),
    ["traefik/http/routes/r/rule"],
  );
  assert.equal(objects.apply([put("http/routes/r/rule", "y")]).straysChanged, false);
  assert.equal(objects.apply([remove("http/routes/r/rule")]).straysChanged, true);
});
