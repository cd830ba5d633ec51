import type { HttpHandler } from "../http/http-exchange.ts";
import { Cell } from "../switcher/cell.ts";
import type { HttpRouter } from "./http-router.ts";
import { RoutedHandler } from "./routed-handler.ts";
import { RoutingIndex } from "./routing-index.ts";

/** The routers behind one parent, found by the request as the parent's middlewares leave it. */
export class ChildRoutes {
  readonly index = new RoutingIndex<HttpRouter>();
  /** What a parent has for a service; nobody ever changes it. */
  readonly service: Cell<HttpHandler> = new Cell("", new RoutedHandler(this.index));
  references = 0;
}

/** By the parent's name. Made when a parent or one of its children first refers to them, whichever comes first. */
export class ChildRouteMap {
  readonly #routes = new Map<string, ChildRoutes>();

  get size(): number {
    return this.#routes.size;
  }

  refer(parent: string): ChildRoutes {
    let routes = this.#routes.get(parent);
    if (routes === undefined) {
      routes = new ChildRoutes();
      this.#routes.set(parent, routes);
    }
    routes.references += 1;
    return routes;
  }

  /** Returns what was referred to. */
  release(parent: string): ChildRoutes | undefined {
    const routes = this.#routes.get(parent);
    if (routes === undefined) return undefined;
    routes.references -= 1;
    if (routes.references === 0) this.#routes.delete(parent);
    return routes;
  }
}
