import { setFlagsFromString } from "node:v8";
import { runtimeOf } from "../infrastructure/node/runtime.ts";

const FLAGS = [
  // New objects are always allocated among the young ones, which are collected quickly. By default V8 allocates an object among the
  // old ones if most objects of the same line of code survived. With many requests at once these are objects of requests, which
  // survive a collection and are garbage soon after. Such an object among the old ones keeps all that it refers to alive, so
  // nearly all objects of all requests were moved there.
  "--no-allocation-site-pretenuring",
  // A function of PostgreSQL is optimised after seven times as many calls as by default on Node 20, so those that only a start
  // calls are not optimised. It is the default of Node 22.
  "--wasm-tiering-budget=13000000",
  // A full collection begins when the heap is 1.3 times as large as after the previous one. By default a heap of this size may become
  // several times as large, most of it garbage.
  "--heap-growing-percent=30",
  // One function of PostgreSQL is compiled at a time. The allocator keeps the memory of each thread that has compiled a large one.
  "--wasm-num-compilation-tasks=1",
];

/**
 * Sets up V8 for a server. It has to run before the first WebAssembly is compiled. These are settings of the process, so only entry points
 * call it.
 */
export function setUpV8(): void {
  if (runtimeOf(process.versions).name !== "Node.js") return;
  for (const flag of FLAGS) setFlagsFromString(flag);
}
