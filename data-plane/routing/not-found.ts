import type { HttpHandler } from "../http/http-exchange.ts";

/** What an entry point answers where no router matches, and what stands for anything that is not there. */
export const notFound: HttpHandler = {
  handle(exchange) {
    exchange.respond(404, "404 page not found\n");
  },
};
