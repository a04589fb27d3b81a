import { setFlagsFromString } from "node:v8";
import { runtimeOf } from "../infrastructure/node/runtime.ts";

/**
 * Makes V8 allocate every new object among the young ones, which are collected quickly.
 *
 * By default V8 allocates an object among the old ones if most objects of the same line of code survived earlier collections. With
 * many requests at once these are objects of requests, which survive a collection and are garbage soon after. Such an object
 * among the old ones keeps all that it refers to alive, so nearly all objects of all requests were moved to the old ones.
 *
 * It is a setting of the process, so only entry points call it.
 */
export function allocateAmongYoungObjects(versions: Readonly<Record<string, string | undefined>>): void {
  if (runtimeOf(versions).name === "Node.js") setFlagsFromString("--no-allocation-site-pretenuring");
}
