import assert from "node:assert/strict";
import { test } from "node:test";
import { objectId } from "../../config-model/dynamic/object-key.ts";
import type { SourceObject } from "../../config-model/dynamic/source-object.ts";
import type { FieldPath } from "../../config-model/schema/locate-field.ts";
import { SeededRandom } from "../../test/support/seeded-random.ts";
import type { PairChange } from "../etcd/known-pairs.ts";
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
  assert.deepEqual([...touched], ["httpRouter:r", "tcpRouter:r"]);
  const [change, ...more] = objects.read("httpRouter:r");
  assert.deepEqual([change?.key, more], [{ kind: "httpRouter", name: "r" }, []]);
  const object = change?.object;
  assert.ok(object?.config?.kind === "httpRouter");
  assert.deepEqual([object.config.rule, object.config.service], ["Host(`a.test`)", "s"]);
  assert.equal(object.source.location, "traefik/http/routers/r");
});

test("EtcdObjects keeps an object that is spelled in two ways until both are gone", () => {
  const objects = new EtcdObjects("traefik/");
  objects.apply([put("http/routers/r/service", "a"), put("HTTP//routers/r/service", "b")]);
  const key = { kind: "httpRouter", name: "r" };
  objects.apply([remove("http/routers/r/service")]);
  assert.ok(objects.read("httpRouter:r")[0]?.object?.config !== undefined);
  objects.apply([remove("HTTP//routers/r/service")]);
  assert.deepEqual(objects.read("httpRouter:r"), [{ key, object: undefined }]);
  assert.deepEqual([...objects.ids()], []);
  assert.deepEqual(objects.read("httpRouter:r"), []);
});

test("EtcdObjects reads the same of two spellings, in whatever order they came", () => {
  const pairs = [put("http//routers/r/service", "a"), put("http/routers/r/service", "b")];
  const read = (changes: typeof pairs) => {
    const objects = new EtcdObjects("traefik/");
    objects.apply(changes);
    return objects.read("httpRouter:r")[0]?.object;
  };
  const object = read(pairs);
  assert.ok(object?.config?.kind === "httpRouter" && object.config.service === "b");
  assert.deepEqual(read(pairs.toReversed()), object);
});

test("EtcdObjects takes names that differ in case for one object, and renames it with its first key", () => {
  const objects = new EtcdObjects("traefik/");
  const after = (...changes: PairChange[]) => {
    const { touched } = objects.apply(changes);
    assert.deepEqual([...touched], ["httpRouter:shop"]);
    return objects.read("httpRouter:shop").map(({ key, object }) => {
      if (object === undefined) return `-${key.name}`;
      const { config, source } = object;
      assert.ok(config?.kind === "httpRouter");
      return `+${key.name} ${config.rule} ${config.service} ${source.location}`;
    });
  };
  const at = "traefik/http/routers";
  assert.deepEqual(
    after(put("http/routers/shop/rule", "r"), put("http/routers/shop/service", "s")),
    [`+shop r s ${at}/shop`],
  );
  assert.deepEqual(after(put("http/routers/Shop/service", "S")), ["-shop", `+Shop r s ${at}/Shop`]);
  assert.deepEqual(after(remove("http/routers/shop/service")), [`+Shop r S ${at}/Shop`]);
  assert.deepEqual(after(remove("http/routers/Shop/service")), [
    "-Shop",
    `+shop r undefined ${at}/shop`,
  ]);
  assert.deepEqual(after(put("HTTP/routers/SHOP/service", "t")), [
    "-shop",
    "+SHOP r t traefik/HTTP/routers/SHOP",
  ]);
  assert.deepEqual(after(remove("http/routers/shop/rule"), remove("HTTP/routers/SHOP/service")), [
    "-SHOP",
  ]);
  assert.deepEqual([...objects.ids()], []);
});

test("EtcdObjects names the key that holds a field, as it is spelled", () => {
  const objects = new EtcdObjects("traefik/");
  objects.apply([
    put("http/services/s/loadbalancer/servers/10/url", "b"),
    put("http/services/s/loadBalancer/servers/1/url", "a"),
    put("http/services/s/loadBalancer/servers/2/weight", "1"),
    put("HTTP/services//S/loadBalancer/passHostHeader", "true"),
  ]);
  const [change] = objects.read("httpService:s");
  assert.ok(change?.object?.fields !== undefined);
  const { fields } = change.object;
  const at = (...path: FieldPath) => fields.positionOf(change.key, path)?.location;
  assert.deepEqual(
    [
      at("loadBalancer", "servers", 0, "url"),
      at("loadBalancer", "servers", 2, "url"),
      at("loadBalancer", "servers", 1, "weight"),
      at("loadBalancer", "passHostHeader"),
      at("weighted"),
    ],
    [
      "traefik/http/services/s/loadBalancer/servers/1/url",
      "traefik/http/services/s/loadbalancer/servers/10/url",
      "traefik/http/services/s/loadBalancer/servers/2/weight",
      "traefik/HTTP/services//S/loadBalancer/passHostHeader",
      undefined,
    ],
  );
});

/** Objects by kind and name, as a follower of the changes holds them. */
class Follower {
  readonly held = new Map<string, SourceObject>();
  readonly objects = new EtcdObjects("traefik/");

  follow(changes: readonly PairChange[]): void {
    const { touched } = this.objects.apply(changes);
    const read = [...touched].flatMap((id) => this.objects.read(id));
    const ids = read.map(({ key }) => objectId(key));
    assert.equal(new Set(ids).size, ids.length, "a key occurs twice");
    for (const { key, object } of read) {
      if (object !== undefined) this.held.set(objectId(key), object);
      else assert.ok(this.held.delete(objectId(key)), `${key.name} was not there`);
    }
  }
}

/** First spelling of each object in the order of keys, straight from Traefik's rule. */
function expectedNames(pairs: ReadonlyMap<string, string>): readonly string[] {
  const names = new Map<string, string>();
  for (const key of [...pairs.keys()].toSorted((a, b) => (a < b ? -1 : 1))) {
    const [, section = "", collection = "", name = ""] = key.split("/").filter(Boolean);
    const place = `${section}/${collection}`.toLowerCase();
    const id = `${place}/${name.toLowerCase()}`;
    const kind = place === "http/routers" ? "httpRouter" : "tcpRouter";
    if (!names.has(id)) names.set(id, `${kind}:${name}`);
  }
  return [...names.values()].toSorted();
}

test("EtcdObjects comes from changes to what reading everything anew gives", () => {
  const random = new SeededRandom(20);
  const keys = ["http/routers", "HTTP/routers", "http//Routers", "tcp/routers"].flatMap((place) =>
    ["a", "A", "ab", "Ab", "aB"].flatMap((name) =>
      ["rule", "Rule", "service", "entryPoints/0", "entryPoints/1", "EntryPoints", "x"].map(
        (rest) => `${place}/${name}/${rest}`,
      ),
    ),
  );
  let renamings = 0;
  for (let run = 0; run < 200; run++) {
    const follower = new Follower();
    const pairs = new Map<string, string>();
    for (let step = 0; step < 15; step++) {
      const changes = new Map<string, PairChange>();
      for (let count = 1 + random.below(4); count > 0; count--) {
        // Deleting what is there more often than not.
        const present = random.chance(0.5) && pairs.size > 0 ? [...pairs.keys()] : undefined;
        const key = present === undefined ? random.pick(keys) : random.pick(present).slice(8);
        changes.set(key, present === undefined ? put(key, `v${random.below(3)}`) : remove(key));
      }
      for (const { key, value } of changes.values()) {
        if (value === undefined) pairs.delete(key);
        else pairs.set(key, value);
      }
      const before = [...follower.held.keys()];
      follower.follow([...changes.values()]);
      const anew = new Follower();
      anew.follow([...pairs].map(([key, value]) => ({ key, value })));
      assert.deepEqual(new Map([...follower.held].toSorted()), new Map([...anew.held].toSorted()));
      assert.deepEqual([...follower.held.keys()].toSorted(), expectedNames(pairs));
      const lower = new Set([...follower.held.keys()].map((id) => id.toLowerCase()));
      renamings += before.filter(
        (id) => !follower.held.has(id) && lower.has(id.toLowerCase()),
      ).length;
    }
  }
  assert.ok(renamings > 200, `${renamings} renamings`);
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

test("EtcdObjects takes no longer for a key of slashes than for another one of its length", () => {
  const startedAt = performance.now();
  const objects = new EtcdObjects("traefik/");
  objects.apply([put(`http${"/".repeat(200_000)}routers/r/service`)]);
  for (const id of objects.ids()) assert.equal(objects.read(id).length, 1);
  // A search for slashes at the end from every slash takes half a minute.
  assert.ok(performance.now() - startedAt < 5_000);
});
