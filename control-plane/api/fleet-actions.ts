/** What operators decide, each a POST that any replica takes. */
import {
  type AdminAction,
  type AdminAnswer,
  errorAnswer,
  jsonAnswer,
} from "../../foundation/admin/admin-page.ts";
import { errorText } from "../../foundation/error-text.ts";
import { holdNote, type RemovalHold } from "../guard/removal-hold.ts";
import {
  type NoteChange,
  NotLeaderError,
  StoreUnavailableError,
} from "../snapshot-store/snapshot-store.ts";

export interface FleetActionsInit {
  readonly holds: () => readonly RemovalHold[];
  /** Text of a note as this replica knows it. */
  readonly note: (name: string) => string | undefined;
  readonly writeNote: (change: NoteChange) => Promise<boolean>;
  /** Resolves to false when another one was adopted meanwhile. */
  readonly adoptStatic: () => Promise<boolean>;
  readonly adoptFleet: (fleetId: string) => Promise<void>;
}

export function fleetActions(init: FleetActionsInit): ReadonlyMap<string, AdminAction> {
  return new Map<string, AdminAction>([
    ["/api/fleet/guard/confirm", (body) => decide(init, "confirmed", text(body, "id"))],
    ["/api/fleet/guard/dismiss", (body) => decide(init, "dismissed", text(body, "id"))],
    [
      "/api/fleet/static/adopt",
      () =>
        attempt(async () =>
          (await init.adoptStatic())
            ? jsonAnswer({ adopted: true })
            : errorAnswer(409, "another control plane's was adopted at the same time"),
        ),
    ],
    [
      "/api/fleet/adopt",
      (body) =>
        attempt(async () => {
          const fleetId = text(body, "fleetId");
          if (!/^[0-9a-f]{24}$/.test(fleetId)) {
            return errorAnswer(400, "a fleet id is 24 hexadecimal digits");
          }
          await init.adoptFleet(fleetId);
          return jsonAnswer({ fleetId });
        }),
    ],
  ]);
}

async function decide(
  { holds, note, writeNote }: FleetActionsInit,
  state: "confirmed" | "dismissed",
  id: string,
): Promise<AdminAnswer> {
  const hold = holds().find((each) => each.id === id);
  if (hold === undefined) return errorAnswer(404, `there is no hold "${id}"`);
  if (hold.isRestored && state === "dismissed") {
    return errorAnswer(
      409,
      "nothing is published while it is open: confirm it, or bring the objects back in their source",
    );
  }
  const name = holdNote(id);
  const from = note(name);
  if (from === undefined)
    return errorAnswer(503, `hold "${id}" is not in the store yet, try again`);
  const { kept: _kept, ...stored } = JSON.parse(from);
  const to = JSON.stringify({ ...stored, state });
  return await attempt(async () =>
    (await writeNote({ name, from, to, asLeader: false }))
      ? jsonAnswer({ id, state })
      : errorAnswer(409, `hold "${id}" has changed meanwhile, look at it again`),
  );
}

async function attempt(action: () => Promise<AdminAnswer>): Promise<AdminAnswer> {
  try {
    return await action();
  } catch (error) {
    if (error instanceof NotLeaderError) {
      return errorAnswer(409, `${errorText(error)}; ask the one that does`);
    }
    if (error instanceof StoreUnavailableError) return errorAnswer(503, errorText(error));
    throw error;
  }
}

function text(body: unknown, name: string): string {
  const value = (body as Readonly<Record<string, unknown>> | null)?.[name];
  return typeof value === "string" ? value : "";
}
