import type { Headers as HeadersMessage } from "../../proto/gen/switchyard/fleet/v1/resource.ts";
import { HeaderList } from "../http/header-list.ts";
import type {
  HttpExchange,
  HttpHandler,
  ResponseHead,
  ResponseHeadEdit,
} from "../http/http-exchange.ts";

/** Custom request and response headers: an empty value deletes; `Host` of a request sets the host that goes upstream. */
export class Headers implements HttpHandler, ResponseHeadEdit {
  readonly #request: readonly Edit[];
  readonly #response: readonly Edit[];
  readonly #requestHost: string | undefined;
  readonly #deletesForwardedFor: boolean;

  /** Throws when a field could not be sent, so that no request has to find out. */
  constructor({ request, response }: HeadersMessage) {
    const edits = request.map(toEdit);
    const host = edits.find(isHost);
    // Nothing but a value sets the host; there is no request without one.
    this.#requestHost = host === undefined || host.value === "" ? undefined : host.value;
    this.#request = edits.filter((edit) => !isHost(edit));
    this.#deletesForwardedFor = edits.some(
      ({ lowerName, value }) => lowerName === "x-forwarded-for" && value === "",
    );
    this.#response = response.map(toEdit);
  }

  handle(exchange: HttpExchange): void {
    if (this.#requestHost !== undefined) exchange.requestHost = this.#requestHost;
    for (const edit of this.#request) apply(edit, exchange.requestHeaders);
    if (this.#deletesForwardedFor) exchange.appendsForwardedFor = false;
    if (this.#response.length > 0) exchange.addResponseEdit(this);
    exchange.next();
  }

  editResponseHead({ headers }: ResponseHead): void {
    for (const edit of this.#response) apply(edit, headers);
  }
}

interface Edit {
  readonly name: string;
  readonly lowerName: string;
  readonly value: string;
}

function toEdit({ name, value }: { readonly name: string; readonly value: string }): Edit {
  new HeaderList().append(name, value);
  return { name, lowerName: name.toLowerCase(), value };
}

function isHost({ lowerName }: Edit): boolean {
  return lowerName === "host";
}

function apply({ name, lowerName, value }: Edit, headers: HeaderList): void {
  if (value === "") headers.delete(lowerName);
  else headers.set(name, value);
}
