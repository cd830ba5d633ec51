import assert from "node:assert/strict";
import {
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import type { FileProviderConfig } from "../../config-model/static/static-configuration.ts";
import { silentLog } from "../../test/support/silent-log.ts";
import { FileProvider } from "./file-provider.ts";
import type { ProviderEvent } from "./provider.ts";

function router(name: string, rule = "PathPrefix(`/`)"): string {
  return `    ${name}:\n      rule: ${rule}\n      service: s\n`;
}

function routers(...entries: readonly string[]): string {
  return `http:\n  routers:\n${entries.join("")}`;
}

/** A folder of its own and the provider's events, each waited for. */
class Scene implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), "file-provider-"));
  readonly events: ProviderEvent[] = [];
  readonly #stop = new AbortController();
  #provider: FileProvider | undefined;
  #onEvent: () => void = () => {};

  path(name: string): string {
    return join(this.folder, name);
  }

  write(name: string, text: string): void {
    writeFileSync(this.path(name), text);
  }

  async start(config: Partial<FileProviderConfig>): Promise<void> {
    this.#provider = new FileProvider({
      config: { filename: undefined, directory: undefined, watch: true, ...config },
      log: silentLog,
      settleMs: 10,
      missingGraceMs: 60,
    });
    await this.#provider.start((event) => {
      this.events.push(event);
      this.#onEvent();
    }, this.#stop.signal);
  }

  reload(): void {
    this.#provider?.reload();
  }

  /** Takes out the events up to the first one `match` accepts. */
  async until(match: (event: ProviderEvent) => boolean): Promise<readonly ProviderEvent[]> {
    for (;;) {
      const index = this.events.findIndex(match);
      if (index >= 0) return this.events.splice(0, index + 1);
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#onEvent = resolve;
      await promise;
    }
  }

  async changes(): Promise<readonly string[]> {
    const event = (await this.until(({ kind }) => kind === "changes")).at(-1);
    return event?.kind === "changes" ? summary(event) : [];
  }

  async problems(): Promise<readonly string[]> {
    const event = (await this.until(({ kind }) => kind === "problems")).at(-1);
    return event?.kind === "problems" ? event.problems.map(({ message }) => message) : [];
  }

  kinds(): readonly string[] {
    return this.events.map(({ kind }) => kind);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#provider?.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function summary({ changes }: Extract<ProviderEvent, { kind: "changes" }>): readonly string[] {
  return changes.map(({ key, object }) => {
    if (object === undefined) return `-${key.name}`;
    return object.config === undefined ? `!${key.name}` : `+${key.name}`;
  });
}

describe("FileProvider with a file", () => {
  test("has read everything when start() returns control", async () => {
    await using scene = new Scene();
    scene.write("routes.yml", routers(router("a"), router("b")));
    const started = scene.start({ filename: scene.path("routes.yml") });
    assert.deepEqual(scene.kinds(), ["changes", "complete"]);
    assert.deepEqual(await scene.changes(), ["+a", "+b"]);
    await started;
  });

  test("emits only what an edit changed, together", async () => {
    await using scene = new Scene();
    scene.write("routes.yml", routers(router("a"), router("b"), router("c")));
    await scene.start({ filename: scene.path("routes.yml") });
    await scene.until(({ kind }) => kind === "complete");
    scene.write("routes.yml", routers("\n", router("a"), router("c", "Path(`/c`)"), router("d")));
    assert.deepEqual(await scene.changes(), ["-b", "+c", "+d"]);
  });

  test("follows a file that an editor replaces by renaming", async () => {
    await using scene = new Scene();
    scene.write("routes.yml", routers(router("a")));
    await scene.start({ filename: scene.path("routes.yml") });
    await scene.until(({ kind }) => kind === "complete");
    for (const name of ["b", "c"]) {
      scene.write("new.tmp", routers(router("a"), router(name)));
      renameSync(scene.path("new.tmp"), scene.path("routes.yml"));
      assert.ok((await scene.changes()).includes(`+${name}`));
    }
  });

  test("keeps what a file held while it does not parse, and says where", async () => {
    await using scene = new Scene();
    const path = scene.path("routes.yml");
    scene.write("routes.yml", routers(router("a")));
    await scene.start({ filename: path });
    await scene.until(({ kind }) => kind === "complete");
    scene.write("routes.yml", "http:\n  routers: [\n");
    const [event] = (await scene.until(({ kind }) => kind === "problems")).slice(-1);
    assert.ok(event?.kind === "problems");
    const [problem] = event.problems;
    assert.equal(problem?.code, "syntax");
    assert.deepEqual(problem.source, { provider: "file", location: path, line: 3, column: 1 });
    assert.deepEqual(scene.kinds(), []);
    scene.write("routes.yml", routers(router("b")));
    assert.deepEqual(await scene.changes(), ["-a", "+b"]);
    assert.deepEqual(await scene.problems(), []);
  });

  test("renders templates, and keeps what a file held while its template is wrong", async () => {
    await using scene = new Scene();
    const template = (names: string) =>
      `http:\n  routers:\n{{ range list ${names} }}${router("{{ . }}")}{{ end }}`;
    scene.write("routes.yml", template('"a" "b"'));
    await scene.start({ filename: scene.path("routes.yml") });
    assert.deepEqual(await scene.changes(), ["+a", "+b"]);
    await scene.until(({ kind }) => kind === "complete");
    scene.write("routes.yml", template('(lst "a")'));
    assert.match((await scene.problems()).join(), /Unknown function "lst"/);
    assert.deepEqual(scene.kinds(), []);
    scene.write("routes.yml", template('"b" "c"'));
    assert.deepEqual(await scene.changes(), ["-a", "+c"]);
  });

  test("a broken object harms only itself", async () => {
    await using scene = new Scene();
    scene.write("routes.yml", routers(router("a"), router("b")));
    await scene.start({ filename: scene.path("routes.yml") });
    await scene.until(({ kind }) => kind === "complete");
    scene.write("routes.yml", routers(router("a", "Path(`/new`)"), `    b: {rulee: x}\n`));
    assert.deepEqual(await scene.changes(), ["+a", "!b"]);
  });

  test("removes nothing when a misspelt section may hide it", async () => {
    await using scene = new Scene();
    scene.write("routes.yml", routers(router("a")));
    await scene.start({ filename: scene.path("routes.yml") });
    await scene.until(({ kind }) => kind === "complete");
    scene.write("routes.yml", routers(router("a")).replace("routers", "routes"));
    assert.deepEqual(await scene.problems(), ['Unknown key "routes" in http']);
    assert.deepEqual(scene.kinds(), []);
  });

  test("removes nothing when the file is emptied", async () => {
    await using scene = new Scene();
    const path = scene.path("routes.yml");
    scene.write("routes.yml", routers(router("a")));
    await scene.start({ filename: path });
    await scene.until(({ kind }) => kind === "complete");
    scene.write("routes.yml", "");
    assert.deepEqual(await scene.problems(), [
      `${path} holds nothing now, so what it held before stays`,
    ]);
    assert.deepEqual(scene.kinds(), []);
    scene.write("routes.yml", "http:\n  routers: {}\n");
    assert.deepEqual(await scene.changes(), ["-a"]);
  });

  test("removes the objects of a file that stays deleted, not those of one being replaced", async () => {
    await using scene = new Scene();
    scene.write("routes.yml", routers(router("a")));
    await scene.start({ filename: scene.path("routes.yml") });
    await scene.until(({ kind }) => kind === "complete");
    renameSync(scene.path("routes.yml"), scene.path("routes.yml~"));
    scene.write("routes.yml", routers(router("a"), router("b")));
    assert.deepEqual(await scene.changes(), ["+b"]);
    unlinkSync(scene.path("routes.yml"));
    assert.deepEqual(await scene.changes(), ["-a", "-b"]);
  });

  test("is unavailable while there is no such file, and complete once there is", async () => {
    await using scene = new Scene();
    const path = scene.path("routes.yml");
    await scene.start({ filename: path });
    const reason = `Cannot read ${path}: there is no such file`;
    assert.deepEqual(scene.events.at(-1), { kind: "unavailable", reason });
    scene.write("routes.yml", routers(router("a")));
    const events = await scene.until(({ kind }) => kind === "complete");
    assert.deepEqual(
      events.slice(-3).map(({ kind }) => kind),
      ["changes", "problems", "complete"],
    );
  });

  test("finds a folder that is made later", async () => {
    await using scene = new Scene();
    await scene.start({ filename: scene.path("later/routes.yml") });
    assert.equal(scene.events.at(-1)?.kind, "unavailable");
    mkdirSync(scene.path("later"));
    scene.write("later/routes.yml", routers(router("a")));
    await scene.until(({ kind }) => kind === "complete");
  });

  test("follows the links of a Kubernetes volume", async () => {
    await using scene = new Scene();
    for (const version of ["..1", "..2"]) mkdirSync(scene.path(version));
    scene.write("..1/routes.yml", routers(router("a")));
    scene.write("..2/routes.yml", routers(router("a"), router("b")));
    symlinkSync("..1", scene.path("..data"));
    symlinkSync("..data/routes.yml", scene.path("routes.yml"));
    await scene.start({ filename: scene.path("routes.yml") });
    await scene.until(({ kind }) => kind === "complete");
    symlinkSync("..2", scene.path("..new"));
    renameSync(scene.path("..new"), scene.path("..data"));
    assert.deepEqual(await scene.changes(), ["+b"]);
  });

  test("without watching reads again only on reload()", async () => {
    await using scene = new Scene();
    scene.write("routes.yml", routers(router("a")));
    await scene.start({ filename: scene.path("routes.yml"), watch: false });
    await scene.until(({ kind }) => kind === "complete");
    scene.write("routes.yml", routers(router("a"), router("b")));
    scene.reload();
    assert.deepEqual(await scene.changes(), ["+b"]);
  });
});

describe("FileProvider with a folder", () => {
  test("reads YAML files of all folders below it, in the order of names", async () => {
    await using scene = new Scene();
    mkdirSync(scene.path("b"));
    scene.write("a.yml", routers(router("one")));
    scene.write("b/c.yaml", routers(router("two")));
    scene.write("notes.txt", "no: [");
    await scene.start({ directory: scene.folder });
    assert.deepEqual(scene.kinds(), ["changes", "complete"]);
    assert.deepEqual(await scene.changes(), ["+one", "+two"]);
  });

  test("takes the first of two objects of one name and warns", async () => {
    await using scene = new Scene();
    scene.write("a.yml", routers(router("same", "Path(`/a`)")));
    scene.write("b.yml", routers(router("same", "Path(`/b`)"), router("other")));
    await scene.start({ directory: scene.folder });
    const [changes] = scene.events;
    assert.ok(changes?.kind === "changes");
    assert.deepEqual(summary(changes), ["+same", "+other"]);
    assert.equal(changes.changes[0]?.object?.source.location, scene.path("a.yml"));
    assert.deepEqual(await scene.problems(), [
      `"same" is also in ${scene.path("a.yml")}, which comes first by name and counts`,
    ]);
    unlinkSync(scene.path("a.yml"));
    assert.deepEqual(await scene.changes(), ["+same"]);
  });

  test("serves the good files beside a broken one, and is complete when it is mended", async () => {
    await using scene = new Scene();
    scene.write("a.yml", "http: [");
    scene.write("b.yml", routers(router("good")));
    await scene.start({ directory: scene.folder });
    assert.deepEqual(scene.kinds(), ["changes", "problems", "unavailable"]);
    scene.events.length = 0;
    scene.write("a.yml", routers(router("mended")));
    assert.deepEqual(await scene.changes(), ["+mended"]);
    await scene.until(({ kind }) => kind === "complete");
  });

  test("sees files of folders made while it runs", async () => {
    await using scene = new Scene();
    scene.write("a.yml", routers(router("one")));
    await scene.start({ directory: scene.folder });
    await scene.until(({ kind }) => kind === "complete");
    mkdirSync(scene.path("deep/er"), { recursive: true });
    scene.write("deep/er/b.yml", routers(router("two")));
    assert.deepEqual(await scene.changes(), ["+two"]);
    scene.write("deep/er/b.yml", routers(router("three")));
    assert.deepEqual(await scene.changes(), ["-two", "+three"]);
  });

  test("follows a folder that takes the place of another", async () => {
    await using scene = new Scene();
    mkdirSync(scene.path("sub"));
    scene.write("sub/a.yml", routers(router("one")));
    await scene.start({ directory: scene.folder });
    await scene.until(({ kind }) => kind === "complete");
    mkdirSync(scene.path("..new"));
    scene.write("..new/a.yml", routers(router("one"), router("two")));
    renameSync(scene.path("sub"), scene.path("..old"));
    renameSync(scene.path("..new"), scene.path("sub"));
    assert.deepEqual(await scene.changes(), ["+two"]);
    scene.write("sub/a.yml", routers(router("one")));
    assert.deepEqual(await scene.changes(), ["-two"]);
  });

  test("keeps everything while the folder is missing", async () => {
    await using scene = new Scene();
    mkdirSync(scene.path("conf"));
    scene.write("conf/a.yml", routers(router("one")));
    await scene.start({ directory: scene.path("conf") });
    await scene.until(({ kind }) => kind === "complete");
    renameSync(scene.path("conf"), scene.path("away"));
    scene.reload();
    assert.deepEqual(await scene.problems(), [
      `Cannot read ${scene.path("conf")}: there is no such file or folder`,
    ]);
    renameSync(scene.path("away"), scene.path("conf"));
    scene.reload();
    assert.deepEqual(await scene.problems(), []);
    assert.deepEqual(scene.events, []);
  });

  test("emits nothing after stop()", async () => {
    await using scene = new Scene();
    scene.write("a.yml", routers(router("one")));
    await scene.start({ directory: scene.folder });
    await scene.until(({ kind }) => kind === "complete");
    await scene[Symbol.asyncDispose]();
    scene.reload();
    assert.deepEqual(scene.events, []);
  });
});
