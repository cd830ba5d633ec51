/** What the streams of a class rest on, and what others could do with a gateway that takes them. */
export interface ClassNote {
  readonly paragraph: string;
  readonly danger: string;
}

const toTwoRequests = "front and back end count another number of requests on a connection";

export const classNotes: Readonly<Record<string, ClassNote>> = {
  "both framings": {
    paragraph: "RFC 9112 §6.1, §6.3",
    danger: `${toTwoRequests}: the classic CL.TE and TE.CL`,
  },
  "transfer codings": {
    paragraph: "RFC 9112 §6.1, §7",
    danger: "one side reads chunks where the other sees no body or a length: TE.TE",
  },
  lengths: {
    paragraph: "RFC 9110 §8.6, RFC 9112 §6.3",
    danger: "two readers see two lengths, and the end of the longer body is a request to the other",
  },
  "unexpected bodies": {
    paragraph: "RFC 9110 §9.3, RFC 9112 §6",
    danger: "a back end that does not look for the body takes it for the next request: CL.0",
  },
  "chunk sizes": {
    paragraph: "RFC 9112 §7.1",
    danger: "a back end that reads another size finds a request in the data",
  },
  "chunk extensions": {
    paragraph: "RFC 9112 §7.1.1",
    danger:
      "a line end inside an extension is the end of the line to one side and text to the other",
  },
  trailers: {
    paragraph: "RFC 9110 §6.5.1, RFC 9112 §7.1.2",
    danger: "a back end that merges trailers into the head sees fields no middleware has judged",
  },
  folds: {
    paragraph: "RFC 9112 §5.1, §5.2",
    danger: "a field hides in the value of another, or under a name that one side trims",
  },
  "line ends": {
    paragraph: "RFC 9112 §2.2",
    danger: "one side sees two lines where the other sees one: fields, heads and requests appear",
  },
  "control characters": {
    paragraph: "RFC 9110 §5.1, §5.5",
    danger: "text that C code cuts at NUL, or trims, becomes another name or value",
  },
  injections: {
    paragraph: "RFC 9110 §5.5, RFC 3986 §2",
    danger: "a line that was a value becomes a field, or a request",
  },
  leftovers: {
    paragraph: "RFC 9112 §9.3.2, §9.6",
    danger: "what is left of one request is read into another one's",
  },
  "request lines": {
    paragraph: "RFC 9112 §2.3, §3",
    danger: "method, target or version are divided differently, and rules judge another target",
  },
  targets: {
    paragraph: "RFC 9112 §3.2, RFC 3986 §5.2.4",
    danger: "rules judge one path or host, and the back end serves another",
  },
  hosts: {
    paragraph: "RFC 9112 §3.2, RFC 9110 §7.2",
    danger: "the request is routed by one host and served, or cached, for another",
  },
  "hop by hop": {
    paragraph: "RFC 9110 §7.6.1",
    danger: "a client takes away fields that were added on the way, or that back ends rely on",
  },
  upgrades: {
    paragraph: "RFC 9110 §7.8",
    danger: "requests pass in a tunnel that nobody judges: h2c smuggling",
  },
  expectations: {
    paragraph: "RFC 9110 §10.1.1",
    danger: "one side waits for a body that the other has taken for the next request",
  },
  "response heads": {
    paragraph: "RFC 9112 §4, §5",
    danger: "a client or cache reads other fields than the gateway did",
  },
  "response framing": {
    paragraph: "RFC 9112 §6.3",
    danger: "the end of a response is another client's response, or a cached one",
  },
  "response chunks": {
    paragraph: "RFC 9112 §7.1",
    danger: "a client reads another body, and the rest of it as a response",
  },
  "responses without body": {
    paragraph: "RFC 9112 §6.3, RFC 9110 §15.3.5",
    danger: "a body that should not be there is the beginning of the next client's response",
  },
  "informational responses": {
    paragraph: "RFC 9110 §15.2",
    danger:
      "an interim response is taken for the final one, and the final one for the next client's",
  },
  "response upgrades": {
    paragraph: "RFC 9110 §7.8, §15.2.2",
    danger: "a connection becomes a tunnel on one side only",
  },
  "response fields": {
    paragraph: "RFC 9110 §5.5, §7.6.1",
    danger: "a client reads fields that are none, or those of another connection",
  },
};

/** Where a peer refuses what we take: why we are right to. By class, and the beginning of the stream's name. */
export const toldApart: readonly (readonly [className: string, begins: string, reason: string])[] =
  [
    [
      "trailers",
      "trailer",
      "nginx drops all trailers; they travel here (gRPC ends with them) but for those that would say what a head says",
    ],
    ["response chunks", "trailers travel", "gRPC ends with trailers; nginx drops them"],
    [
      "control characters",
      "names of any token",
      "A name is any token (RFC 9110 §5.1); nginx drops all but letters, digits and hyphens",
    ],
    [
      "unexpected bodies",
      "get with a length",
      "A method is any token and keeps its case (RFC 9110 §9.1); nginx knows capitals only",
    ],
    ["request lines", "any token is a method", "RFC 9110 §9.1; nginx knows capitals only"],
    ["request lines", "methods keep their case", "RFC 9110 §9.1; nginx knows capitals only"],
    [
      "targets",
      'target "/../../p"',
      "Dot segments end at the root (RFC 3986 §5.2.4) and are resolved before routing: rule and back end see `/p`",
    ],
    ["targets", 'target "/%2e%2e/p"', "As above: an escaped dot is a dot (RFC 3986 §6.2.2.2)"],
    [
      "targets",
      'target "/p?\xc3',
      "Bytes above 127 go upstream as escapes, the one valid spelling (RFC 3986 §2.1), so that no back end has a choice",
    ],
    ["targets", 'target "/\xc3', "As above, before routing"],
    [
      "targets",
      'target "http',
      "Host MUST be ignored and replaced when the target has an authority (RFC 9112 §3.2.2); HAProxy refuses when they differ",
    ],
    ["targets", 'target "HTTP', "As above"],
    ["hosts", "the target's host counts", "As above"],
    [
      "upgrades",
      "",
      "HAProxy judges WebSocket handshakes (RFC 6455 §4.2.1); here only the server's 101 changes the protocol, and it judges",
    ],
  ];
