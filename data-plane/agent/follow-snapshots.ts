/**
 * Keeps a data plane on the newest generation for ever. Losing the control plane, a refusal or a transfer that cannot be
 * used costs freshness and never traffic, so nothing here gives up: the addresses are tried in turn, from short delays
 * to long ones, and each connection resumes from what the node holds.
 */
import { type BackoffPolicy, backoffDelayMs } from "../../foundation/backoff.ts";
import { errorText } from "../../foundation/error-text.ts";
import { parseHostPort } from "../../foundation/format-address.ts";
import type { Logger } from "../../foundation/log.ts";
import { sleep } from "../../foundation/sleep.ts";
import type { Drain } from "../../proto/gen/switchyard/fleet/v1/fleet.ts";
import type { ControlPlaneContact } from "./control-plane-contact.ts";
import { type FollowedNode, FollowSession } from "./follow-session.ts";
import type { NodeIdentity } from "./node-identity.ts";
import { type SnapshotStream, StreamRefusedError } from "./snapshot-stream.ts";
import { type TransferChecks, transferChecks } from "./transfer-checks.ts";

export interface FollowInit {
  /** Tried in turn; at least one. */
  readonly addresses: readonly string[];
  /** May throw, as when a certificate cannot be read. */
  readonly open: (address: string) => SnapshotStream;
  readonly node: FollowedNode;
  readonly identity: NodeIdentity;
  readonly contact: ControlPlaneContact;
  readonly adoptFleet: string | undefined;
  readonly backoff: BackoffPolicy;
  readonly stallMs: number;
  readonly failedStallMs: number;
  readonly behindMs: number;
  readonly checks?: TransferChecks;
  readonly log: Logger;
  readonly wait?: typeof sleep;
  readonly random?: () => number;
}

/** Runs until `signal` aborts; never rejects. */
export async function followSnapshots(init: FollowInit, signal: AbortSignal): Promise<void> {
  const { addresses, contact, backoff, log, wait = sleep, random = Math.random } = init;
  /** Said already, by address; forgotten once the address has proven itself. */
  const said = new Map<string, string>();
  let failures = 0;
  /** Where a control plane that drained sent this node: tried first, once each. */
  let alternates: readonly string[] = [];
  let turn = 0;
  while (!signal.aborted) {
    const [alternate, ...others] = alternates;
    alternates = others;
    const address = alternate ?? addresses[turn++ % addresses.length] ?? "";
    let delayMs: number;
    try {
      const drain = await session(init, address, signal, () => {
        failures = 0;
        alternates = [];
        said.delete(address);
      });
      delayMs = drain.reconnectAfterMs;
      alternates = drain.alternates.filter((other) => isDialable(other) && other !== address);
      log.info("control plane drains, moving on", { address, delayMs });
    } catch (error) {
      if (signal.aborted) break;
      const reason = errorText(error);
      const message =
        error instanceof StreamRefusedError
          ? "control plane refuses this data plane, retrying"
          : "no stream with the control plane, retrying";
      // The same reason again says nothing new to whoever reads the log.
      if (said.get(address) === reason) log.debug(message, { address, reason });
      else log.warn(message, { address, reason });
      said.set(address, reason);
      // A whole round counts as one failure: another address is worth a fast try.
      delayMs = backoffDelayMs(Math.trunc(failures / addresses.length), backoff, random);
      failures += 1;
    } finally {
      contact.address = undefined;
    }
    await wait(delayMs, signal);
  }
}

async function session(
  init: FollowInit,
  address: string,
  signal: AbortSignal,
  onProven: () => void,
): Promise<Drain> {
  const { addresses, contact, log, checks = transferChecks } = init;
  const stream = init.open(address);
  const close = () => stream.close();
  signal.addEventListener("abort", close, { once: true });
  try {
    return await new FollowSession({
      ...init,
      checks,
      stream,
      hasOtherControlPlanes: addresses.length > 1,
      onWelcome: ({ controlPlaneId }) => {
        contact.address = address;
        log.info("connected to the control plane", { address, controlPlane: controlPlaneId });
      },
      onProven,
    }).run();
  } finally {
    signal.removeEventListener("abort", close);
  }
}

/** A control plane may name others over the network, nothing else on this machine. */
function isDialable(address: string): boolean {
  const parsed = parseHostPort(address);
  return parsed !== undefined && parsed.host !== "";
}
