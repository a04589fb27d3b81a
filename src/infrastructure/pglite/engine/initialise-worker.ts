import { parentPort } from "node:worker_threads";
import { PGlite } from "@electric-sql/pglite";
import { NodeFS } from "@electric-sql/pglite/nodefs";
import { pgliteOptions } from "./compiled-postgres.ts";
import { describeThrown } from "./describe-thrown.ts";
import type { EngineEvent } from "./messages.ts";
import { receiveStart } from "./start-message.ts";

/** The thread that creates a new cluster in an empty directory. The main thread ends it after its event. */
const { cluster } = await receiveStart<{ readonly cluster: string }>();

const post = (event: EngineEvent<never>) => parentPort?.postMessage(event, []);

try {
  const onStderr = (text: string) => {
    post({ kind: "line", text });
    // With `true`, PGlite prints the line itself.
    return false;
  };
  const engine = await PGlite.create({ fs: new NodeFS(cluster), ...(await pgliteOptions()), onStderr });
  await engine.close();
  post({ kind: "initialised" });
} catch (thrown) {
  post({ kind: "failed", reason: describeThrown(thrown) });
}
