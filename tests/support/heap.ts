import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

/** How many bytes of the heap are held by what `fill` makes and gives. */
export function heldBytes(fill: () => unknown): number {
  collectGarbage();
  const before = process.memoryUsage().heapUsed;
  const held = fill();
  collectGarbage();
  const bytes = process.memoryUsage().heapUsed - before;
  // It must be reachable until it was measured.
  if (held === undefined) throw new Error("Nothing is held.");
  return bytes;
}
