import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

/** The number of heap bytes that the result of `fill` keeps in memory. */
export async function heldBytes(fill: () => unknown): Promise<number> {
  collectGarbage();
  const before = process.memoryUsage().heapUsed;
  const held = await fill();
  collectGarbage();
  const bytes = process.memoryUsage().heapUsed - before;
  // The result must stay reachable until the measurement.
  if (held === undefined) throw new Error("The result is missing.");
  return bytes;
}
