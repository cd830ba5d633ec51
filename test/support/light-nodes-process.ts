/** A process of light nodes: `ADDRESS COUNT PREFIX forgetful|faithful`, with an IPC channel to whoever asks. */
import { LightNode } from "./light-node.ts";
import type { LightNodesMessage, LightNodesReport } from "./light-nodes.ts";

const [address = "", count = "0", prefix = "node", memory = "faithful"] = process.argv.slice(2);
const size = Number(count);
/** How many nodes have reached each generation; the last one says so. */
const reached = new Map<bigint, number>();

const nodes = Array.from(
  { length: size },
  (_, index) =>
    new LightNode({
      address,
      nodeId: `${prefix}-${index}`,
      isForgetful: memory === "forgetful",
      onGeneration: (number) => {
        const nodesThere = (reached.get(number) ?? 0) + 1;
        reached.set(number, nodesThere);
        if (nodesThere === size) tell({ kind: "reached", number: `${number}`, atMs: Date.now() });
      },
    }),
);

function tell(message: LightNodesMessage): void {
  process.send?.(message);
}

function report(): LightNodesReport {
  const sum = (field: "fullTransfers" | "deltas" | "bytes") =>
    nodes.reduce((total, node) => total + node[field], 0);
  return {
    connected: nodes.filter(({ isConnected }) => isConnected).length,
    lowest: nodes
      .map(({ generation }) => generation?.number ?? 0n)
      .reduce((low, number) => (number < low ? number : low))
      .toString(),
    fullTransfers: sum("fullTransfers"),
    deltas: sum("deltas"),
    bytes: sum("bytes"),
  };
}

process.on("message", () => tell({ kind: "report", report: report() }));
process.on("disconnect", () => process.exit());
for (const node of nodes) node.connect();
