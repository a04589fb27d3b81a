import { rmSync } from "node:fs";
import { join } from "node:path";
import { parentPort } from "node:worker_threads";
import { format } from "node:util";
import { describeThrown } from "../engine/describe-thrown.ts";
import type { EngineEvent, EngineRequest } from "../engine/messages.ts";
import { receiveStart } from "../engine/start-message.ts";

export interface OldEngineData {
  /** The URL of the module of an older PGlite. */
  readonly module: string;
  readonly cluster: string;
  readonly database: string;
}

/** The part of PGlite that all releases have. */
interface OldPglite {
  readonly create: (options: object) => Promise<{
    execProtocolRaw(message: Uint8Array, options: { readonly syncToFs: boolean }): Promise<Uint8Array>;
    close(): Promise<void>;
  }>;
}

/** The Worker of an older PostgreSQL, on a copy of a cluster. It answers scripts like `serveEngine`. */
const { module, cluster, database } = await receiveStart<OldEngineData>();

const post = (event: EngineEvent<never>) => parentPort?.postMessage(event, []);

// Older releases print PostgreSQL's log, and standard output is for the result of the command.
for (const method of ["debug", "error", "info", "log", "warn"] as const) {
  console[method] = (...values: unknown[]) => post({ kind: "line", text: format(...values) });
}

async function open() {
  rmSync(join(cluster, "postmaster.pid"), { force: true });
  const { PGlite } = (await import(module)) as { readonly PGlite: OldPglite };
  return PGlite.create({ dataDir: cluster, username: "postgres", database });
}

try {
  const engine = await open();
  const serve = async (request: EngineRequest, earlier: Promise<unknown>) => {
    await earlier;
    if (request.kind === "message") {
      const bytes = await engine.execProtocolRaw(request.bytes, { syncToFs: false });
      post({ kind: "reply", bytes, position: null });
    } else {
      await engine.close();
      post({ kind: "closed", isShutDown: true });
    }
  };
  let last: Promise<unknown> = Promise.resolve();
  parentPort?.on("message", (request: EngineRequest) => {
    last = serve(request, last);
  });
  post({ kind: "opened", hasRecovered: false, position: 0n });
} catch (thrown) {
  post({ kind: "failed", reason: describeThrown(thrown) });
}
