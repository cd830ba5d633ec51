/** A process that keeps one generation after another in the directory it is given, until somebody kills it. */
import { digestsUpTo, KeptNode } from "./kept-history.ts";

const [directory = "", last = "0"] = process.argv.slice(2);
const node = new KeptNode({ directory, minLogBytes: 700 }, digestsUpTo(Number(last)));
const booted = await node.boot();
process.stdout.write(`booted ${booted}\n`);
while (node.number < Number(last)) {
  await node.advance();
  await node.lastKnownGood.flush();
  process.stdout.write(`kept ${node.number}\n`);
}
