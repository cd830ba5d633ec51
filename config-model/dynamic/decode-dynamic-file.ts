/**
 * The dynamic part of a configuration file, which is a Go template when it holds `{{`. Diagnostics of a rendered file
 * name the place in the template that the text came from, and no value of the environment.
 */
import { parseDocument } from "../document/parse-document.ts";
import type { Place } from "../schema/config-node.ts";
import { type RenderedTemplate, renderTemplate } from "../template/render-template.ts";
import { TemplateError } from "../template/template-error.ts";
import {
  type DecodedDocument,
  type DocumentObject,
  decodeDocument,
  decodeDynamicPart,
  filePositions,
} from "./decode-document.ts";
import type { Diagnostic } from "./diagnostic.ts";
import { FileFields } from "./file-fields.ts";

export interface DynamicFile {
  readonly path: string;
  readonly text: string;
  /** Variables of the environment, for `env`. */
  readonly env: (name: string) => string | undefined;
  /** Of the file, when it has been read before. */
  readonly fields?: FileFields;
}

export function decodeDynamicFile(file: DynamicFile): DecodedDocument {
  const { path, text, env, fields = new FileFields() } = file;
  if (!text.includes("{{")) return decodeDocument(text, path, fields);
  const positionAt = filePositions(text, path);
  let rendered: RenderedTemplate;
  try {
    rendered = renderTemplate(text, { env });
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    return unreadable({
      severity: "error",
      code: "syntax",
      message: `Cannot read ${path} as a template: ${error.message}`,
      source: positionAt(error.offset),
      ...(error.hint === undefined ? {} : { hint: error.hint }),
    });
  }
  const locate = (place: Place) => positionAt(rendered.templateOffset(Number(place)));
  const parsed = parseDocument(rendered.text, path);
  if (!parsed.ok) {
    const problem: Diagnostic = {
      severity: "error",
      code: "syntax",
      message: `Cannot read what the template ${path} makes: ${parsed.message}`,
      source: locate(parsed.offset),
    };
    return hideValues(unreadable(problem), text, rendered.secrets);
  }
  const documents = { roots: parsed.roots, locate };
  // Rendering costs more than memory here: templates make small files.
  fields.replace(documents, () => documents);
  return hideValues(decodeDynamicPart(documents, fields), text, rendered.secrets);
}

function unreadable(problem: Diagnostic): DecodedDocument {
  return { objects: new Map(), problems: [problem], complete: false, silent: false };
}

/**
 * Takes the environment's values out of every sentence, and what is quoted and is not written in the template, for
 * that may be made of such a value.
 */
function hideValues(
  decoded: DecodedDocument,
  template: string,
  secrets: ReadonlySet<string>,
): DecodedDocument {
  if (secrets.size === 0) return decoded;
  const separators = /[\s"'`:{}()[\],|]+/;
  const written = new Set(template.split(separators));
  const longestFirst = [...secrets].toSorted((a, b) => b.length - a.length);
  const withoutSecrets = (text: string) => {
    let hidden = text;
    for (const secret of longestFirst) {
      if (!written.has(secret)) hidden = hidden.replaceAll(secret, "***");
    }
    return hidden;
  };
  const hide = (problem: Diagnostic): Diagnostic => {
    const message = problem.message.replaceAll(/"([^"]*)"/g, (quoted, content: string) =>
      content.split(separators).every((piece) => piece === "" || written.has(piece))
        ? quoted
        : '"***"',
    );
    const { hint } = problem;
    return {
      ...problem,
      message: withoutSecrets(message),
      ...(hint === undefined ? {} : { hint: withoutSecrets(hint) }),
    };
  };
  const objects = new Map<string, DocumentObject>();
  for (const [id, { key, object }] of decoded.objects) {
    objects.set(id, { key, object: { ...object, problems: object.problems.map(hide) } });
  }
  return { ...decoded, objects, problems: decoded.problems.map(hide) };
}
