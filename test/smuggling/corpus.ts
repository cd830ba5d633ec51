/** All streams by class. What each class is about, and the paragraphs it rests on, stands where it is defined. */
import { chunkExtensions, chunkSizes, chunkTrailers } from "./cases/chunks.ts";
import { expectations, hopByHop, sizes, upgrades } from "./cases/connections.ts";
import { earlyResponses } from "./cases/early-responses.ts";
import { bothFramings, codings, lengths, unexpectedBodies } from "./cases/framing.ts";
import { controls, folds, injections, leftovers, lineEnds } from "./cases/heads.ts";
import {
  bodiless,
  informational,
  responseFields,
  responseUpgrades,
} from "./cases/response-connections.ts";
import { responseChunks, responseFraming, responseHeads } from "./cases/responses.ts";
import { hosts, requestLines, targets } from "./cases/targets.ts";
import type { StreamCase } from "./stream-case.ts";

export const corpus: Readonly<Record<string, readonly StreamCase[]>> = {
  "both framings": bothFramings,
  "transfer codings": codings,
  lengths,
  "unexpected bodies": unexpectedBodies,
  "chunk sizes": chunkSizes,
  "chunk extensions": chunkExtensions,
  trailers: chunkTrailers,
  folds,
  "line ends": lineEnds,
  "control characters": controls,
  injections,
  leftovers,
  "request lines": requestLines,
  targets,
  hosts,
  "hop by hop": hopByHop,
  upgrades,
  expectations,
  sizes,
  "response heads": responseHeads,
  "response framing": responseFraming,
  "response chunks": responseChunks,
  "responses without body": bodiless,
  "informational responses": informational,
  "response upgrades": responseUpgrades,
  "response fields": responseFields,
  "early responses": earlyResponses,
};
