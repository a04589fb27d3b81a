import { rmSync } from "node:fs";
import { join } from "node:path";
import { parentPort, workerData } from "node:worker_threads";
import { PGlite } from "@electric-sql/pglite";
import { amcheck } from "@electric-sql/pglite/contrib/amcheck";
import { NodeFS } from "@electric-sql/pglite/nodefs";
import { describeError } from "../../node/describe-error.ts";
import { openAcknowledgedPosition } from "../directory/acknowledged-position.ts";
import { CarefulNodeFs } from "./careful-node-fs.ts";
import { checkCluster } from "../integrity/cluster-integrity.ts";
import { readControlFile } from "../integrity/control-file.ts";
import { DurableNodeFs } from "./durable-node-fs.ts";
import { SCHEMA_EXTENSIONS } from "./extensions.ts";
import type { EngineEvent, EngineRequest, EngineWorkerData } from "./messages.ts";
import { isCheckDue } from "../integrity/index-check.ts";
import { parseLsn, type Lsn } from "../../sql/lsn.ts";
import { recordRelationFiles } from "../integrity/relation-files.ts";
import { startParameters } from "./start-parameters.ts";
import { decodeAnswer, encodeExecutions, encodePreparation, concat } from "./wire-protocol.ts";

/**
 * The thread that PostgreSQL runs in: it can be ended from outside when PostgreSQL hangs, and a trap in it leaves the
 * process alone. It takes one request at a time and answers in order.
 */
const { task, directory, cluster, durability } = workerData as EngineWorkerData;

const POSITION = "quire_position";
const ASK_POSITION = encodeExecutions([{ name: POSITION, values: [] }]);
const IDLE = "I".charCodeAt(0);

function post(event: EngineEvent, transfer: readonly ArrayBuffer[] = []): void {
  parentPort?.postMessage(event, transfer);
}

const say = (text: string): boolean => {
  post({ kind: "line", text });
  return false;
};

try {
  if (task === "initialise") await initialise();
  else await serve();
} catch (thrown) {
  post({ kind: "failed", reason: describeError(thrown) });
  parentPort?.close();
}

async function initialise(): Promise<void> {
  const engine = await PGlite.create({ fs: new NodeFS(cluster), onStderr: say });
  await engine.close();
  post({ kind: "initialised" });
  parentPort?.close();
}

async function serve(): Promise<void> {
  const checked = checkCluster(directory);
  if (checked.isErr()) {
    post({ kind: "refused", damage: checked.error });
    parentPort?.close();
    return;
  }
  const { isShutDown } = checked.value;
  const opening = open(isShutDown);
  let last: Promise<unknown> = opening;
  // It listens before there is anything to hear: a thread whose event loop has nothing to wait for stands still until V8
  // has compiled all that it has begun to, which is a fifth of a second after the engine is open.
  parentPort?.on("message", (request: EngineRequest) => {
    // What is thrown ends the thread, as the engine's state is unknown then; what was asked after it is never begun.
    last = last.then(async () => answer(await opening, request));
  });
  const { position } = await opening;
  post({ kind: "opened", recovered: !isShutDown, position });
}

interface OpenCluster {
  readonly engine: PGlite;
  /** Where the log ended when it was opened. */
  readonly position: Lsn;
  /** Notes what has been acknowledged. */
  readonly record: (position: Lsn) => void;
}

async function open(isShutDown: boolean): Promise<OpenCluster> {
  // PostgreSQL's own lock file tells nothing here, and a power cut can leave it empty, which PostgreSQL refuses: who has
  // the directory is said by the kernel.
  rmSync(join(cluster, "postmaster.pid"), { force: true });
  const fs = durability === "fsync" ? new DurableNodeFs(cluster) : new CarefulNodeFs(cluster);
  // Whoever opens a cluster that was not shut down wants to check its indexes.
  const extensions = isShutDown && !isCheckDue(directory) ? SCHEMA_EXTENSIONS : { ...SCHEMA_EXTENSIONS, amcheck };
  const engine = await PGlite.create({ fs, startParams: startParameters(durability), extensions, onStderr: say });
  await execute(engine, encodePreparation(POSITION, "select pg_current_wal_flush_lsn()"));
  const { record } = openAcknowledgedPosition(directory);
  const position = await logPosition(engine);
  if (position === null) throw new Error("PostgreSQL does not say where its write-ahead log ends.");
  return { engine, position, record };
}

async function answer({ engine, record }: OpenCluster, request: EngineRequest): Promise<void> {
  switch (request.kind) {
    case "message": {
      const bytes = await execute(engine, request.bytes);
      // Inside a transaction nothing is acknowledged yet.
      const position = request.acknowledges && bytes.at(-1) === IDLE ? await logPosition(engine) : null;
      if (position !== null) record(position);
      post({ kind: "reply", bytes, position }, [bytes.buffer]);
      return;
    }
    case "checkpoint": {
      const bytes = await execute(engine, encodeExecutions([{ text: "checkpoint", values: [] }]));
      if (decodeAnswer(bytes, 1)?.error === null) noteRelationFiles(null);
      post({ kind: "reply", bytes, position: await logPosition(engine) }, [bytes.buffer]);
      return;
    }
    case "close": {
      await engine.close();
      // PGlite resolves even when PostgreSQL could not write its last checkpoint.
      const control = readControlFile(cluster);
      const isShutDown = control?.isShutDown ?? false;
      if (control?.isShutDown === true) noteRelationFiles(control.checkpoint);
      post({ kind: "closed", isShutDown });
      parentPort?.close();
    }
  }
}

/** What was noted before stays true when this fails, as on a full disk: files only grow. */
function noteRelationFiles(shutdown: Lsn | null): void {
  try {
    recordRelationFiles(directory, shutdown);
  } catch (cause) {
    say(`The sizes of the files were not recorded: ${describeError(cause)}`);
  }
}

async function execute(engine: PGlite, message: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array[] = [];
  await engine.execProtocolRawStream(message, { syncToFs: false, onRawData: (part) => void parts.push(part.slice()) });
  return concat(parts);
}

/** Where the write-ahead log is flushed to: every commit before is on the disk. */
async function logPosition(engine: PGlite): Promise<Lsn | null> {
  const answer = decodeAnswer(await execute(engine, ASK_POSITION), 1);
  const position = answer?.replies[0]?.rows[0]?.[0] ?? null;
  return position === null ? null : parseLsn(position);
}
