/** One answer of the admin API. */
export interface AdminAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

/** Makes the answer of one path, anew for every request. */
export type AdminPage = () => Promise<AdminAnswer>;

/** Changes something. Gets the request's body, decoded from JSON; whoever asks has shown the token. */
export type AdminAction = (body: unknown) => Promise<AdminAnswer>;

export function textAnswer(status: number, line: string): AdminAnswer {
  return { status, contentType: "text/plain; charset=utf-8", body: `${line}\n` };
}

export function jsonAnswer(value: unknown, status = 200): AdminAnswer {
  return { status, contentType: "application/json", body: `${JSON.stringify(value)}\n` };
}

/** The form of every error. */
export function errorAnswer(status: number, message: string): AdminAnswer {
  return jsonAnswer({ message }, status);
}
