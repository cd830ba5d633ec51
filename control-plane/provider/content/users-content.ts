import type { HttpMiddlewareConfig } from "../../../config-model/dynamic/dynamic-object.ts";
import { shownText } from "../../../foundation/shown-text.ts";
import type { ObjectContents, ReadFile } from "./object-contents.ts";

/** The lines of the users file that a middleware names. No message holds one. */
export function usersContents(
  config: HttpMiddlewareConfig,
  read: ReadFile,
): ObjectContents<HttpMiddlewareConfig> | undefined {
  const { basicAuth } = config;
  if (basicAuth?.usersFile === undefined) return undefined;
  const { path } = basicAuth.usersFile;
  const content = read(path);
  if (content.kind === "unreadable") {
    const message = `users file ${shownText(path)} cannot be read: ${content.reason}`;
    const problem = {
      field: ["basicAuth", "usersFile"],
      code: "unreadable-file",
      message,
    } as const;
    return { config: undefined, problems: [problem] };
  }
  const usersFile = { path, content: content.text };
  return { config: { ...config, basicAuth: { ...basicAuth, usersFile } }, problems: [] };
}
