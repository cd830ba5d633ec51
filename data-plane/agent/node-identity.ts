/** Who this data plane is to the control plane. */
export interface NodeIdentity {
  readonly nodeId: string;
  /** Grows with every start of the process. */
  readonly incarnation: bigint;
  readonly labels: readonly { readonly key: string; readonly value: string }[];
  readonly version: string;
}
