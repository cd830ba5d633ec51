import type { HttpMiddleware } from "../../proto/gen/switchyard/fleet/v1/resource.ts";
import type { HttpHandler } from "../http/http-exchange.ts";
import { AddPrefix } from "../middleware/add-prefix.ts";
import { Chain } from "../middleware/chain.ts";
import { Headers } from "../middleware/headers.ts";
import { StripPrefix } from "../middleware/strip-prefix.ts";
import type { Definition } from "../switcher/cell.ts";

/** Throws with the reason when this version cannot build it. */
export function planMiddleware(
  { type }: HttpMiddleware,
  fingerprint: string,
): Definition<HttpHandler> {
  switch (type?.$case) {
    case "addPrefix":
      if (type.value.prefix === "") throw new Error("addPrefix has an empty prefix");
      return standing(new AddPrefix(type.value.prefix), fingerprint);
    case "stripPrefix":
      return standing(new StripPrefix(type.value.prefixes), fingerprint);
    case "headers":
      return standing(new Headers(type.value), fingerprint);
    case "chain": {
      const members = type.value.middlewares;
      return { fingerprint, members, bind: (cells) => new Chain(cells) };
    }
    case undefined:
      throw new Error("its type is unknown to this version");
  }
}

/** Refers to nothing, so it stays the same object in whatever state it is bound. */
function standing(handler: HttpHandler, fingerprint: string): Definition<HttpHandler> {
  return { fingerprint, members: [], bind: () => handler };
}
