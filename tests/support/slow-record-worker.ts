import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { ok } from "neverthrow";
import { waitUntil } from "../../src/infrastructure/node/wait-until.ts";
import { serveEngine } from "../../src/infrastructure/pglite/engine/serve.ts";

/** Then a statement has waited for the record. */
const MAX_WAIT_MS = 20_000;
/** The time in which a fault lets something else begin. */
const RECORDING_MS = 400;

export interface SlowRecordData {
  /** The directory of the cluster, and of the file with the calls of the guard. */
  readonly directory: string;
  readonly calls: string;
}

/**
 * The Worker of an engine whose guard notes the order of its calls. The record of a checkpoint ends some time after the first statement
 * was acknowledged.
 */
await serveEngine(({ directory, calls }: SlowRecordData) => {
  const note = (call: string) => appendFileSync(calls, `${call}\n`);
  let hasAcknowledged = false;
  return {
    cluster: join(directory, "cluster"),
    durability: "fsync",
    settings: {},
    extensions: async () => Promise.resolve({}),
    guard: {
      check: () => ok({ isShutDown: true }),
      opened: () => {},
      acknowledged: () => {
        note("acknowledged");
        hasAcknowledged = true;
      },
      checkpointed: async () => {
        note("record begins");
        await waitUntil(() => hasAcknowledged, MAX_WAIT_MS);
        await delay(RECORDING_MS);
        note("record ends");
      },
      beforeFileRemoval: async () => Promise.resolve(note("files are removed")),
      closed: async () => {
        note("closed");
        return Promise.resolve({ isShutDown: true });
      },
    },
  };
});
