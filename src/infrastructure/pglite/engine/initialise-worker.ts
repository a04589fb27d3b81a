import { parentPort, workerData } from "node:worker_threads";
import { PGlite } from "@electric-sql/pglite";
import { NodeFS } from "@electric-sql/pglite/nodefs";
import { describeThrown } from "./describe-thrown.ts";
import type { EngineEvent } from "./messages.ts";

/** The thread that creates a new cluster in an empty directory. The main thread ends it after its event. */
const { cluster } = workerData as { readonly cluster: string };

const post = (event: EngineEvent<never>) => parentPort?.postMessage(event, []);

try {
  const onStderr = (text: string) => {
    post({ kind: "line", text });
    // With `true`, PGlite prints the line itself.
    return false;
  };
  const engine = await PGlite.create({ fs: new NodeFS(cluster), onStderr });
  await engine.close();
  post({ kind: "initialised" });
} catch (thrown) {
  post({ kind: "failed", reason: describeThrown(thrown) });
}
