import { parentPort } from "node:worker_threads";
import type { EngineStart } from "./messages.ts";

/** In a Worker: receives the data of the host. Call it before the Worker listens for requests. */
export async function receiveStart<Data>(): Promise<Data> {
  return new Promise((settle) => parentPort?.once("message", ({ data }: EngineStart<Data>) => settle(data)));
}
