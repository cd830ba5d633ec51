import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parse, TomlError } from "smol-toml";
import type { ConfigNode } from "../schema/config-node.ts";
import { parseToml } from "./parse-toml.ts";

/** What the library makes of a text, in the form of `plain`; absent when it refuses it. */
function byLibrary(text: string): unknown {
  try {
    return textual(parse(text, { integersAsBigInt: "asNeeded" }));
  } catch (error) {
    if (error instanceof TomlError) return undefined;
    throw error;
  }
}

function textual(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(textual);
  if (value instanceof Date) return value.toISOString();
  if (typeof value !== "object" || value === null) return String(value);
  return new Map(
    Object.entries(value)
      .map(([name, inner]) => [name, textual(inner)] as const)
      .toSorted(byName),
  );
}

function plain(node: ConfigNode): unknown {
  switch (node.kind) {
    case "scalar":
      return node.text;
    case "list":
      return node.items.map(plain);
    case "map":
      return new Map(
        node.entries.map(({ name, value }) => [name, plain(value)] as const).toSorted(byName),
      );
    case "null":
    case "keys":
      assert.fail(`TOML has no ${node.kind}`);
  }
}

function onlyRoot(roots: readonly ConfigNode[]): ConfigNode {
  const [root] = roots;
  assert.ok(root !== undefined && roots.length === 1);
  return root;
}

function byName([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : 1;
}

function assertAgrees(text: string): boolean {
  const expected = byLibrary(text);
  const parsed = parseToml(text);
  assert.deepEqual(
    parsed.ok ? plain(onlyRoot(parsed.roots)) : undefined,
    expected,
    JSON.stringify(text),
  );
  if (!parsed.ok) assert.doesNotMatch(parsed.message, /cannot be read/);
  return parsed.ok;
}

/** `path@line:column` of every entry and item. */
function places(text: string): readonly string[] {
  const parsed = parseToml(text);
  assert.ok(parsed.ok);
  const found: string[] = [];
  const at = (place: unknown) => {
    const before = text.slice(0, Number(place)).split("\n");
    return `${before.length}:${(before.at(-1)?.length ?? 0) + 1}`;
  };
  const walk = (node: ConfigNode, path: string) => {
    if (node.kind === "list") {
      for (const [index, item] of node.items.entries()) {
        found.push(`${path}[${index}]@${at(item.place)}`);
        walk(item, `${path}[${index}]`);
      }
    }
    if (node.kind !== "map") return;
    for (const { name, place, value } of node.entries) {
      const inner = path === "" ? name : `${path}.${name}`;
      found.push(`${inner}@${at(place)}`);
      assert.equal(value.place, place);
      walk(value, inner);
    }
  };
  walk(onlyRoot(parsed.roots), "");
  return found;
}

test("parseToml() gives tables the place that named them first, keys and items their own", () => {
  const text = `top = 1
[a.b]
x.y = 'v'
  z = [1, [2],
    { k = "i", m.n = 3 }]
[a]
[[c.d]]
[[c.d]]
e = true
[c.d.f]
"q w" = 2 # end
`;
  assert.deepEqual(places(text), [
    "top@1:1",
    "a@2:1",
    "a.b@2:1",
    "a.b.x@3:1",
    "a.b.x.y@3:1",
    "a.b.z@4:3",
    "a.b.z[0]@4:8",
    "a.b.z[1]@4:11",
    "a.b.z[1][0]@4:12",
    "a.b.z[2]@5:5",
    "a.b.z[2].k@5:7",
    "a.b.z[2].m@5:16",
    "a.b.z[2].m.n@5:16",
    "c@7:1",
    "c.d@7:1",
    "c.d[0]@7:1",
    "c.d[1]@8:1",
    "c.d[1].e@9:1",
    "c.d[1].f@10:1",
    "c.d[1].f.q w@11:1",
  ]);
});

const valid = [
  "",
  "\ufeffa = 1",
  "# only a comment",
  "a = 1\r\nb = 2 # c\r\n\r\n",
  "a = 0\nb = -0\nc = +7\nd = 1_000\ne = 0xff\nf = 0o17\ng = 0b11\nh = 9223372036854775807",
  "a = 1.5\nb = -0.0\nc = 1e3\nd = 6.6E-2\ne = inf\nf = -inf\ng = nan",
  "a = true\nb = false",
  "a = 1979-05-27T07:32:00Z\nb = 1979-05-27 07:32:00-07:00\nc = 1979-05-27\nd = 07:32:00",
  'a = "x\\ty\\u00e9\\"z"\nb = \'C:\\x\'\nc = ""\nd = \'\'',
  'a = """\nx\\\n   y"""\nb = \'\'\'\nx\'y\'\'\'\'\'\nc = """a""""',
  '"a b" = 1\n\'c.d\' = 2\n"e\\u0041" = 3\n"" = 4\nf."g h" . i = 5\n1.2 = 6',
  "a = []\nb = [1, 2,]\nc = [[1], ['x', {d = 1}]]\ne = [ # c\n 1 # d\n , 2\n]",
  "a = {}\nb = {c = 1, d.e = 2, d.f = 3}\ng = { h = {i = []} }",
  "a = {\n b = 1, # c\n}",
  "[a]\nx = 1\n[a.b]\nx = 1\n[c.d]\n[c]\ny = 1",
  "[[a]]\nx = 1\n[[a]]\n[a.b]\ny = 1\n[[a.c]]\n[[a.c]]\nz = 1",
  "[[a.b]]\n[a]\nc = 1",
  "a.b = 1\na.c.d = 2\n[e]\na.b = 1\n[e.a.c]\nd = 1",
  "__proto__ = 1\n[constructor]\nprototype.x = 2",
  "[ a . 'b' ]\n[[ c . d ]]",
];

const invalid = [
  "a",
  "a =",
  "a = 1 2",
  "a = 01",
  "a = 1__0",
  "a = tru",
  "a = 'x",
  'a = "x\ny"',
  'a = "\\q"',
  'a = """x',
  "a = 'x' y",
  "a = [1",
  "a = [1 2]",
  "a = [,]",
  "a = {b = 1",
  "a = {b}",
  "a = {,}",
  "a = 1\na = 2",
  "a = 1\na.b = 2",
  "a.b = 1\na = 2",
  "a = {}\na.b = 2",
  "a = {}\n[a.b]",
  "a = []\n[[a]]",
  "a.b = 1\n[a]",
  "[a.b.c]\nx = 1\n[a]\nb.c.y = 1",
  "[a]\n[a]",
  "[a]\n[[a]]",
  "[[a]]\n[a]",
  "[[a.b]]\n[[a]]",
  "[[a.b]]\n[a]\nb.c = 1",
  "a = {b = 1, b.c = 2}",
  "a = {b.c = 1, b = 2}",
  "a = {b = {}, b.c = 2}",
  "[a",
  "[[a]",
  "[[a] ]",
  "[]",
  "[a.]",
  ".a = 1",
  "a..b = 1",
  "a b = 1",
  "a = 1\rb = 2",
  "a = 1 # \x01",
  "# \x7f",
  "a = \0",
  '"""a""" = 1',
  "é = 1",
  `a = ${"[".repeat(1001)}${"]".repeat(1001)}`,
];

test("parseToml() reads what the library reads, and refuses what it refuses", () => {
  for (const text of valid) assert.ok(assertAgrees(text), text);
  for (const text of invalid) assert.ok(!assertAgrees(text), text);
});

test("parseToml() agrees with the library about texts put together at random", () => {
  const name = fc.constantFrom("a", "b", "c", "'a'", '"b"', "1");
  const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((names) => names.join("."));
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 3 },
      fc.constantFrom("1", "'x'", '"y\\n"', "true", "1.0", "1979-05-27", "0x1f", "'''\nz'''"),
      fc.array(tie("value"), { maxLength: 3 }).map((items) => `[${items.join(", ")}]`),
      fc
        .array(fc.tuple(path, tie("value")), { maxLength: 3 })
        .map((pairs) => `{${pairs.map(([key, inner]) => `${key} = ${inner}`).join(", ")}}`),
    ),
  }));
  const line = fc.oneof(
    path.map((names) => `[${names}]`),
    path.map((names) => `[[${names}]]`),
    fc.tuple(path, value).map(([key, inner]) => `${key} = ${inner}`),
  );
  const document = fc.array(line, { maxLength: 8 }).map((lines) => lines.join("\n"));
  let read = 0;
  fc.assert(
    fc.property(document, (text) => void (assertAgrees(text) && read++)),
    {
      numRuns: 5_000,
    },
  );
  assert.ok(read > 500, `${read} were valid`);
});

// Of what begins like a date the library takes the next characters unseen, a line break among them.
const withoutDates = valid.filter((text) => !/\d{4}-|\d\d:/.test(text));

test("parseToml() agrees with the library about texts with a character too many or too few", () => {
  const noise = fc.constantFrom(
    ..."\"'[]{}=.,#\\\n\r\t -_+0eZ:a\0é\x7f\u2028",
    "''",
    '"""',
    "\r\n",
    "",
  );
  const broken = fc
    .tuple(fc.constantFrom(...withoutDates), fc.nat(), fc.nat({ max: 3 }), noise)
    .map(([text, at, gone, added]) => {
      const start = at % (text.length + 1);
      return text.slice(0, start) + added + text.slice(start + gone);
    });
  fc.assert(
    fc.property(broken, (text) => void assertAgrees(text)),
    { numRuns: 10_000 },
  );
});
