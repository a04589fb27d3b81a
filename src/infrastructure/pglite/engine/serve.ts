import { rmSync } from "node:fs";
import { join } from "node:path";
import { parentPort } from "node:worker_threads";
import { PGlite, type Extensions } from "@electric-sql/pglite";
import { pgliteOptions } from "./compiled-postgres.ts";
import { describeThrown } from "./describe-thrown.ts";
import type { EngineGuard } from "./guard.ts";
import type { EngineEvent, EngineRequest } from "./messages.ts";
import { EngineNodeFs, type EngineDurability } from "./node-fs.ts";
import { receiveStart } from "./start-message.ts";
import { startParameters, type EngineSettings } from "./start-parameters.ts";
import { concat, decodeAnswer, encodeExecutions, encodePreparation } from "./wire-protocol.ts";

export interface ServeOptions<Damage> {
  /** The directory of the PostgreSQL cluster. */
  readonly cluster: string;
  readonly durability: EngineDurability;
  readonly settings: EngineSettings;
  /** The extensions that PGlite loads. */
  readonly extensions: (isShutDown: boolean) => Promise<Extensions>;
  readonly guard: EngineGuard<Damage>;
  /** Called after each flush with its duration. */
  readonly onFsync?: (ms: number) => void;
}

const IDLE = "I".charCodeAt(0);
const POSITION = "engine_log_position";
// The difference of two positions is a number, which needs no separate parser.
const PREPARE_POSITION = encodePreparation(POSITION, "select pg_current_wal_flush_lsn() - '0/0'::pg_lsn");
const EXECUTE_POSITION = encodeExecutions([{ name: POSITION, values: [] }]);
const CHECKPOINT = encodeExecutions([{ text: "checkpoint", values: [] }]);

/**
 * Runs PostgreSQL in the calling Worker, and serves the requests of the main thread in order. The main thread can end a
 * Worker whose PostgreSQL hangs, and a trap in PostgreSQL does not end the process. It also ends the Worker after its last
 * event: `refused`, `failed` or `closed`.
 */
export async function serveEngine<Data, Damage>(optionsOf: (data: Data) => ServeOptions<Damage>): Promise<void> {
  const post = (event: EngineEvent<Damage>, transfer: readonly ArrayBuffer[] = []) =>
    parentPort?.postMessage(event, transfer);
  try {
    // It is compiled while the main thread still prepares the start.
    const compiling = pgliteOptions();
    const options = optionsOf(await receiveStart<Data>());
    const checked = options.guard.check();
    if (checked.isErr()) {
      post({ kind: "refused", damage: checked.error });
      return;
    }
    const { isShutDown } = checked.value;
    const opening = open(options, compiling, isShutDown, (text) => post({ kind: "line", text }));
    // Each request waits for the one before. An exception ends the thread, because the state of PostgreSQL is then
    // unknown.
    let last: Promise<unknown> = opening;
    const serve = async (request: EngineRequest, earlier: Promise<unknown>) => {
      await earlier;
      const event = await answer(await opening, request);
      post(event, event.kind === "reply" ? [event.bytes.buffer] : []);
    };
    // The listener is added before PostgreSQL is open. A thread whose event loop has nothing to wait for is blocked
    // until V8 has compiled all functions that it has begun to compile, which takes a fifth of a second.
    parentPort?.on("message", (request: EngineRequest) => {
      last = serve(request, last);
    });
    const { position } = await opening;
    post({ kind: "opened", hasRecovered: !isShutDown, position });
  } catch (thrown) {
    post({ kind: "failed", reason: describeThrown(thrown) });
  }
}

interface OpenEngine {
  /** Settles when the record of the last checkpoint is complete. */
  recording: Promise<void>;
  readonly engine: PGlite;
  readonly files: EngineNodeFs;
  readonly guard: EngineGuard<unknown>;
  readonly onLine: (text: string) => void;
  /** The end of the write-ahead log when PostgreSQL was opened. */
  readonly position: bigint;
}

async function open(
  { cluster, durability, settings, extensions, guard, onFsync }: ServeOptions<unknown>,
  compiling: ReturnType<typeof pgliteOptions>,
  isShutDown: boolean,
  onLine: (text: string) => void,
): Promise<OpenEngine> {
  // PostgreSQL's own lock file does not identify this process. A power cut can leave it empty, and PostgreSQL refuses
  // an empty one. The host must make sure that no other process uses the cluster.
  rmSync(join(cluster, "postmaster.pid"), { force: true });
  const files = new EngineNodeFs(cluster, durability, onFsync);
  const engine = await PGlite.create({
    fs: files,
    ...(await compiling),
    startParams: startParameters(durability, settings),
    extensions: await extensions(isShutDown),
    onStderr: (text) => {
      onLine(text);
      return false;
    },
  });
  await execute(engine, PREPARE_POSITION);
  guard.opened();
  return { recording: Promise.resolve(), engine, files, guard, onLine, position: await logPosition(engine) };
}

async function answer(open: OpenEngine, request: EngineRequest): Promise<EngineAnswer> {
  const { engine, files, guard } = open;
  switch (request.kind) {
    case "message": {
      if (request.removesFiles) {
        await open.recording;
        await guard.beforeFileRemoval();
      }
      const bytes = await execute(engine, request.bytes);
      // Inside a transaction nothing is acknowledged yet.
      const position = request.acknowledges && bytes.at(-1) === IDLE ? await logPosition(engine) : null;
      if (position !== null) guard.acknowledged(position);
      return { kind: "reply", bytes, position };
    }
    case "checkpoint": {
      await open.recording;
      const bytes = await files.duringCheckpoint(async () => execute(engine, CHECKPOINT));
      // Statements do not wait for the record, which waits for the disk.
      if (decodeAnswer(bytes, 1)?.error === null) open.recording = noteCheckpoint(open);
      return { kind: "reply", bytes, position: await logPosition(engine) };
    }
    case "close":
      await open.recording;
      await engine.close();
      return { kind: "closed", ...(await guard.closed()) };
  }
}

type EngineAnswer =
  | { readonly kind: "reply"; readonly bytes: Uint8Array<ArrayBuffer>; readonly position: bigint | null }
  | { readonly kind: "closed"; readonly isShutDown: boolean };

async function noteCheckpoint({ files, guard, onLine }: OpenEngine): Promise<void> {
  try {
    await guard.checkpointed(files.takeFlushed());
  } catch (thrown) {
    onLine(`The checkpoint was not recorded: ${describeThrown(thrown)}`);
  }
}

async function execute(engine: PGlite, message: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array[] = [];
  await engine.execProtocolRawStream(message, { syncToFs: false, onRawData: (part) => void parts.push(part.slice()) });
  return concat(parts);
}

/** The end of the flushed write-ahead log: every commit before it is on the disk. */
async function logPosition(engine: PGlite): Promise<bigint> {
  const position = decodeAnswer(await execute(engine, EXECUTE_POSITION), 1)?.replies[0]?.rows[0]?.[0];
  if (typeof position !== "string") throw new Error("PostgreSQL gives no position of its write-ahead log.");
  return BigInt(position);
}
