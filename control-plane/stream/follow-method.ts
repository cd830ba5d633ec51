/**
 * The `Follow` method with responses that are encoded already: a chunk is made once and written to every node that
 * needs it, where the generated definition would encode it for each.
 */
import { FollowResponse } from "../../proto/gen/switchyard/fleet/v1/fleet.ts";
import { FleetServiceService } from "../../proto/gen/switchyard/fleet/v1/fleet_service.ts";
import type { OutgoingFrame } from "./outgoing-frame.ts";

/** An encoded `FollowResponse`. */
export type ResponseFrame = Buffer;

export const followMethod = {
  follow: {
    ...FleetServiceService.follow,
    responseSerialize: (frame: OutgoingFrame): Buffer => frame.serialized(),
  },
} as const;

export function responseFrame(message: NonNullable<FollowResponse["message"]>): ResponseFrame {
  const { buffer, byteOffset, byteLength } = FollowResponse.encode({ message }).finish();
  return Buffer.from(buffer, byteOffset, byteLength); // a view: these may be large
}
