/** Templates: they end within their bounds, know where their output comes from, and give no secret away. */
import assert from "node:assert/strict";
import { decodeDynamicFile } from "../../../config-model/dynamic/decode-dynamic-file.ts";
import { renderTemplate } from "../../../config-model/template/render-template.ts";
import { TemplateError } from "../../../config-model/template/template-error.ts";
import { assertSentence, type FuzzTarget } from "../fuzz-target.ts";
import { generateTemplate } from "../generate-template.ts";
import { mutate } from "../mutate-text.ts";
import { seedTexts } from "../seed-texts.ts";

/** As no template has it by itself, so that it can only come from the environment. */
const secret = "Zq7-hunter2";
const env = (name: string) =>
  name === "MISSING" ? undefined : name === "SITES" ? "a,b,c" : secret;

/** A tenth of what files have, so that a run is many templates. */
const limits = { outputChars: 1_000_000, iterations: 100_000, work: 8 * 1024 * 1024 };

function checkTemplate(text: string): void {
  const outcome = rendered(text);
  assert.deepEqual(rendered(text), outcome, "another outcome the second time");
  if (outcome instanceof TemplateError) {
    const { message, hint, offset } = outcome;
    assertSentence(message);
    if (hint !== undefined) assertSentence(hint);
    assert.ok(offset >= 0 && offset <= text.length, `offset ${offset} of ${text.length}`);
    assertHidden(`${message} ${hint}`, text);
  }
}

function rendered(text: string): { readonly text: string } | TemplateError {
  try {
    const { text: output, templateOffset, secrets } = renderTemplate(text, { env, limits });
    for (const at of [0, output.length >> 1, output.length]) {
      const origin = templateOffset(at);
      assert.ok(origin >= 0 && origin <= text.length, `output at ${at} comes from ${origin}`);
    }
    return { text: output, ...{ secrets: [...secrets] } };
  } catch (error) {
    if (error instanceof TemplateError) return error;
    throw error;
  }
}

function assertHidden(sentence: string, template: string): void {
  if (template.includes(secret)) return;
  assert.ok(!sentence.includes(secret), `a secret is shown: ${sentence}`);
}

function checkFile(text: string): void {
  const decode = () => decodeDynamicFile({ path: "routes.yml", text, env });
  const decoded = decode();
  assert.deepEqual(decode(), decoded, "another outcome the second time");
  const ofObjects = [...decoded.objects.values()].flatMap(({ object }) => object.problems);
  for (const { message, hint, source } of [...decoded.problems, ...ofObjects]) {
    assertSentence(message);
    assertHidden(`${message} ${hint}`, text);
    assert.ok((source.line ?? 0) >= 1 && (source.column ?? 0) >= 1, "no line and column");
  }
}

const fileSeeds = [
  ...seedTexts.templates,
  'http: {routers: {r: {rule: {{ env "RULE" | quote }}, service: {{ env "S" }}}}}',
  'http:\n  routers:\n    {{ env "NAME" }}: {rule: "Host(`{{ env "H" }}`)", service: s, {{ env "K" }}: 1}\n',
  'http:\n  middlewares:\n{{ range $i := until 3 }}    m{{ $i }}: {addPrefix: {prefix: {{ env "P" }}}}\n{{ end }}',
];

export const templateTargets: readonly FuzzTarget[] = [
  {
    name: "template",
    weight: 3,
    generate: (random) => {
      const text = generateTemplate(random);
      return random.chance(0.3) ? mutate(random, text, seedTexts.templates) : text;
    },
    check: checkTemplate,
  },
  {
    name: "template-file",
    weight: 2,
    // As files are read: what templates may do at most takes a few seconds, and here it is done twice.
    maxCpuMs: 15_000,
    generate: (random) => {
      const text = random.chance(0.3) ? generateTemplate(random) : random.pick(fileSeeds);
      return mutate(random, text, fileSeeds);
    },
    check: checkFile,
  },
];
