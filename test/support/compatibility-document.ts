/** docs/compatibility.md, made from the schema table: the words by hand, every key from the table. */
import { sectionsByLowerName } from "../../config-model/dynamic/schema/dynamic-schema.ts";
import type { Schema } from "../../config-model/schema/schema.ts";
import { staticFields } from "../../config-model/static/schema/static-schema.ts";
import { type KeyRow, schemaKeys } from "./schema-keys.ts";

const introduction = `# Compatibility with Traefik v3.7

Every key of Traefik's configuration is known here. Most are not built yet; this page says which, and what then happens.
The tables are made from the schema that decodes configuration, by \`test/contract/compatibility.test.ts\`
(\`UPDATE_DOCS=1\` writes them anew).

| word | meaning |
|---|---|
| built | works as in Traefik |
| out | valid and not built, and without it more would be let through than was meant: the object that uses it is not used, routers that need the object answer 404, and a diagnostic names the key |
| served without | valid and not built: the object works without it, and a diagnostic says so |
| no effect | accepted and without effect, in Traefik too |

A key that is none of these is a mistake: its object keeps the last good version, or stays out if it never had one, and a diagnostic
names the place and the nearest valid key.

## Different on purpose

- One bad key harms its object only. Traefik drops the whole message of the provider.
- A misspelt section in a file (\`http.routes\`) may hide objects, so nothing that the file held before is taken for removed until it is
  mended. The same holds for a file that does not parse and for one that is suddenly empty.
- A file that is deleted, and stays so for a quarter of a second, takes its objects with it. An empty one does not.
- Relative paths of the file provider start at the working directory, as in Traefik.
- Dynamic files are Go templates with the functions that [configuration.md](configuration.md) lists, which are not all of sprig's.
- \`providers.providersThrottleDuration\` is 100ms by default, not 2s.
- Environment variables begin with \`SWITCHYARD_\`. \`TRAEFIK_...\` is not read, with a warning.
- The configuration file is searched as \`switchyard.toml|yaml|yml\` in \`/etc/switchyard\`, the XDG configuration folder and the
  working directory. Traefik's own places are not searched.
- In etcd, names of digits only work, and so does \`errors/statusRewrites/<status>\`.
- A value other than true or false for a section that may be empty (\`tls: yes\`) switches it off, as in Traefik, and is reported.
- Entry points are part of what is streamed to the data planes. One that uses a key marked "out" is not opened.
- A static key that is not built is a warning, and the start goes on.
- A path that a middleware has emptied is \`/\` for the routers behind it. In Traefik no \`Path\` and no \`PathPrefix\` matches it.
- \`redirectScheme\` keeps the brackets of an IPv6 host and answers 400 where the request names no host. What a URI may not hold is
  escaped in every location.
- \`replacePath\` with a malformed escape answers 500, as in Traefik, and is reported.
- A tree of routers that leads back to itself on a data plane, which the control plane never sends, answers 500.
- \`basicAuth\`: a bcrypt cost above 16 is not compared, with a warning, and passwords of more than 512 bytes are wrong. An entry that
  nobody can log in with is told. A user whose name holds a control character is a mistake. When too many wait for their
  passwords to be compared, more are answered 503.
- Numbers of type int are at most 2147483647; priorities have 64 bits.
- YAML is version 1.2: \`yes\` and \`on\` are texts. All documents of a file are read; Traefik reads the first.

## Rules

The rule language of version 3 with all its HTTP and TCP matchers is parsed and checked, positions in messages included. Version 2
(\`ruleSyntax: v2\`) is not built. Rules may be nested 32 levels deep.
`;

const stateWords = {
  built: "built",
  closed: "out",
  degraded: "served without",
  ignored: "no effect",
} as const;

function describeState({ status, builtValues }: KeyRow): string {
  const word = stateWords[status];
  return builtValues.length === 0 ? word : `${word}, but for ${builtValues.join(", ")}`;
}

function keyTable(rows: readonly KeyRow[]): string {
  const lines = rows.map((row) => {
    const type = row.allowEmpty ? "section, may be empty" : row.type;
    const byDefault = row.defaultValue ? `\`${row.defaultValue}\`` : "";
    return `| \`${row.path}\` | ${type} | ${byDefault} | ${describeState(row)} |`;
  });
  return ["| key | type | default | here |", "|---|---|---|---|", ...lines].join("\n");
}

function summary(rows: readonly KeyRow[]): string {
  const count = (status: KeyRow["status"]) => rows.filter((row) => row.status === status).length;
  return (
    `${rows.length} keys: ${count("built")} built, ${count("closed")} out, ` +
    `${count("degraded")} served without, ${count("ignored")} without effect.`
  );
}

export function dynamicKeys(): readonly KeyRow[] {
  return [...sectionsByLowerName.values()].flatMap(({ name: section, collections }) =>
    [...collections.values()].flatMap(({ name, definition }) =>
      schemaKeys(definition.schema, `${section}.${name}${definition.unnamed ? "[]" : ".<name>"}`),
    ),
  );
}

export function staticKeys(): readonly KeyRow[] {
  return Object.entries<Schema<unknown>>(staticFields).flatMap(([name, schema]) =>
    schemaKeys(schema, name),
  );
}

export function compatibilityDocument(): string {
  const dynamic = dynamicKeys();
  const fixed = staticKeys();
  return `${introduction}
## Dynamic configuration

${summary(dynamic)} In etcd the same keys are written with \`/\` below the root key, list items by number.

${keyTable(dynamic)}

## Static configuration

${summary(fixed)} Keys of \`fleet\` are our own.

${keyTable(fixed)}
`;
}
