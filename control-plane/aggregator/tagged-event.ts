import type { ProviderEvent } from "../provider/provider.ts";

/** What the aggregator hands on (stage 2): a provider's event and who said it. */
export interface TaggedEvent {
  readonly provider: string;
  readonly event: ProviderEvent;
}
