import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { BasicAuthConfig } from "../../config-model/dynamic/dynamic-object.ts";
import { vectors } from "../../test/support/vectors.ts";
import { compileBasicAuth } from "./compile-basic-auth.ts";

const key = { kind: "httpMiddleware", name: "auth@file" } as const;
const apr1 = "$apr1$H6uskkkW$IgXLP6ewTrSuBkTrqE8wj/";
const sha1 = "{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=";

const plain: BasicAuthConfig = {
  users: [],
  usersFile: undefined,
  realm: "traefik",
  headerField: "",
  removeHeader: false,
};
const file = (content: string) => ({ path: "/etc/users", content });

function compiled(config: Partial<BasicAuthConfig>) {
  const content = compileBasicAuth(key, { ...plain, ...config });
  const said = content.problems.map(({ message, field, severity }) => ({
    severity,
    message,
    field,
  }));
  const body = content.kind === "usable" ? content.body : undefined;
  const type = body?.$case === "httpMiddleware" ? body.value.type : undefined;
  return { said, value: type?.$case === "basicAuth" ? type.value : undefined };
}

const usersOf = (config: Partial<BasicAuthConfig>) =>
  compiled(config).value?.users.map(({ name, hash }) => `${name}:${hash}`);

test("compileBasicAuth() sorts users, so that their order changes nothing", () => {
  const users = [`b:${apr1}`, `a:${sha1}`];
  const expected = [`a:${sha1}`, `b:${apr1}`];
  assert.deepEqual(usersOf({ users }), expected);
  assert.deepEqual(usersOf({ users: users.toReversed() }), expected);
  assert.deepEqual(usersOf({ usersFile: file(users.join("\r\n")) }), expected);
});

test("compileBasicAuth() reads a users file's lines before the users beside it, and the later of a name counts", () => {
  const content = `\n# comment:with:colons\n  a:${apr1}  \nb:${apr1}\na:${sha1}\n\t\n`;
  assert.deepEqual(usersOf({ usersFile: file(content) }), [`a:${sha1}`, `b:${apr1}`]);
  const users = [`b:${sha1}`];
  assert.deepEqual(usersOf({ usersFile: file(content), users }), [`a:${sha1}`, `b:${sha1}`]);
});

test("compileBasicAuth() names a bad line of a users file by its number, and shows nothing of it", () => {
  const content = `a:${apr1}\n\nhunter2\n`;
  assert.deepEqual(compiled({ usersFile: file(content) }).said, [
    {
      severity: "error",
      message:
        'Cannot use middleware "auth@file": line 3 of /etc/users is not of the form name:hash',
      field: ["basicAuth", "usersFile"],
    },
  ]);
  assert.deepEqual(compiled({ users: [`e\u0007ve:${apr1}`] }).said, [
    {
      severity: "error",
      message:
        'Cannot use middleware "auth@file": entry 1 of basicAuth.users has a control character in its name',
      field: ["basicAuth", "users", 0],
    },
  ]);
});

test("compileBasicAuth() takes nobody in while a users file has not been read", () => {
  const usersFile = { path: "/etc/users", content: undefined };
  const { value, said } = compiled({ users: [`a:${apr1}`], usersFile });
  assert.equal(value, undefined);
  assert.match(said[0]?.message ?? "", /its users file has not been read$/);
  assert.match(compiled({ usersFile: file("# nobody\n") }).said[0]?.message ?? "", /has no users$/);
});

test("compileBasicAuth() says one sentence of ten thousand users that can never log in", () => {
  const content = Array.from({ length: 10_000 }, (_, number) => `user${number}:hunter2`).join("\n");
  const { value, said } = compiled({ usersFile: file(content) });
  assert.equal(value?.users.length, 10_000);
  assert.deepEqual(
    said.map(({ message }) => message),
    [
      'The user in line 1 of /etc/users of middleware "auth@file" can never log in: its password is no bcrypt, MD5 or {SHA} hash; nor can 9999 more',
    ],
  );
});

describe("compileBasicAuth() on Traefik's vectors", () => {
  interface Vector {
    readonly source: string;
    readonly middleware: string;
    readonly config: { readonly users: readonly string[]; readonly usersFileContent?: string };
    readonly request: { readonly basicAuth: readonly [string, string] };
    readonly expected: { readonly status: number };
  }
  const all = vectors<Vector>("middlewares").filter(({ middleware }) => middleware === "basicAuth");
  for (const [index, { source, config, request, expected }] of all.entries()) {
    test(`${source} (${index})`, () => {
      const { users, usersFileContent } = config;
      const usersFile = usersFileContent === undefined ? undefined : file(usersFileContent);
      const { value, said } = compiled({ users, usersFile });
      const known = value?.users.find(({ name }) => name === request.basicAuth[0]);
      const canLogIn = known !== undefined && said.length === 0;
      assert.equal(canLogIn, expected.status === 200);
    });
  }
  test("there were some", () => assert.equal(all.length, 10));
});
