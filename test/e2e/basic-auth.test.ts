/** A users file from its first reading to what is left of it in logs and pages: nothing. */
import assert from "node:assert/strict";
import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { get } from "../support/fleet.ts";
import { eventually, Program } from "../support/program.ts";

/** Of "hunter2", and of "password". */
const old = "countess:$2b$04$4HbbHRzBOk6G90R17k.iI.RvVfOZRbaFjBadZaX0ZT4YzBWhl6tz.";
const sha1 = "{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=";

test("a users file is followed while it is right, stays as it was while it is not, and shows nowhere", async (t) => {
  const directory = await mkdtemp(join(tmpdir(), "switchyard-users-"));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const users = join(directory, "users");
  const write = async (lines: string) => {
    await writeFile(`${users}.new`, lines);
    await rename(`${users}.new`, users);
  };
  await write(`# who may come in\n${old}\n`);
  const configFile = join(directory, "switchyard.yml");
  await writeFile(
    configFile,
    `entryPoints: { web: { address: "127.0.0.1:0" } }
log: { level: debug }
fleet: { admin: { address: "127.0.0.1:0" } }
providers: { file: { filename: ${configFile} } }
http:
  routers: { r: { rule: PathPrefix(\`/\`), service: noop@internal, middlewares: [login] } }
  middlewares: { login: { basicAuth: { usersFile: ${users} } } }
`,
  );
  await using program = new Program([
    "up",
    `--configFile=${configFile}`,
    `--state-dir=${join(directory, "state")}`,
    "--admin=127.0.0.1:0",
  ]);
  const address = await program.address("entryPoint", "web");
  const control = await program.address("admin", "control-plane");
  const node = await program.address("admin", "data-plane");
  const told = async () => (await get(control, { path: "/api/fleet/diagnostics" })).body;
  const status = async (credentials: string) => {
    const authorization = `Basic ${Buffer.from(credentials).toString("base64")}`;
    return (await get(address, { authorization })).status;
  };
  // The service behind it answers 418.
  await eventually(async () => assert.equal(await status("countess:hunter2"), 418));
  assert.equal(await status("countess:hunter3"), 401);

  await write(`${old}\nhunter2\n`);
  await eventually(async () => {
    assert.match(await told(), /line 2 of [^ ]*users is not of the form name:hash/);
  });
  assert.equal(await status("countess:hunter2"), 418);
  await rm(users);
  await eventually(async () => assert.match(await told(), /there is no such file or folder/));
  assert.equal(await status("countess:hunter2"), 418);

  await write(`duke:${sha1}\nbaron:hunter2\n`);
  await eventually(async () => assert.equal(await status("duke:password"), 418));
  assert.equal(await status("countess:hunter2"), 401);
  await eventually(async () => assert.match(await told(), /can never log in/));

  const shown = [program.transcript()];
  for (const [address, ...paths] of [
    [control, "/api/fleet/diagnostics", "/api/fleet/status", "/api/fleet/nodes", "/metrics"],
    [control, "/api/fleet/generation"],
    [node, "/snapshot", "/metrics"],
  ] as const) {
    for (const path of paths) {
      const page = await get(address, { path });
      assert.equal(page.status, 200, path);
      shown.push(page.body);
    }
  }
  assert.doesNotMatch(shown.join("\n"), /hunter|countess|duke|baron|\$2b|\{SHA\}W|password"/);
});
