import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { endEarlyThread, startThreadEarly, threadFor } from "../../../src/infrastructure/pglite/engine/early-thread.ts";
import { startWorkerThread } from "../../../src/infrastructure/pglite/engine/worker-thread.ts";

const DEADLINE_MS = 60_000;

/** The file of a Worker that behaves like that of an engine, and reports in `detail` what it has found. */
function workerFile(code: string): URL {
  return new URL(`data:text/javascript,${encodeURIComponent(code)}`);
}

const EMPTY_MODULE = "new WebAssembly.Module(Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0))";
const COMPILES_ONCE = workerFile(`
  import { parentPort, workerData } from "node:worker_threads";
  const { postgres } = workerData;
  if (postgres === null) parentPort.postMessage({ kind: "compiled", postgres: ${EMPTY_MODULE} });
  parentPort.postMessage({ kind: "failed", reason: postgres instanceof WebAssembly.Module ? "shared" : "compiled" });
`);
const ANSWERS = workerFile(`
  import { parentPort } from "node:worker_threads";
  parentPort.on("message", ({ data }) => parentPort.postMessage({ kind: "failed", reason: data }));
`);

describe("the thread of an engine", () => {
  it("gives its compiled WebAssembly to the threads that follow", async () => {
    const reasons: unknown[] = [];
    for (let run = 0; run < 2; run++) {
      const thread = startWorkerThread(COMPILES_ONCE);
      reasons.push(await thread.next(DEADLINE_MS));
      await thread.kill();
    }
    expect(reasons).toEqual([
      { kind: "failed", reason: "compiled" },
      { kind: "failed", reason: "shared" },
    ]);
  });

  it("is used once if it was started early", async () => {
    startThreadEarly(ANSWERS);
    const [early, next] = [threadFor(ANSWERS), threadFor(ANSWERS)];
    expect(next).not.toBe(early);
    for (const thread of [early, next]) {
      const answer = thread.next(DEADLINE_MS);
      thread.send({ data: "started" }, []);
      expect(await answer).toEqual({ kind: "failed", reason: "started" });
      await thread.kill();
    }
  });

  it("ends if no engine needs it", async () => {
    const directory = await mkdtemp(join(tmpdir(), "quire-thread-"));
    const socket = join(directory, "socket");
    const listens = workerFile(`
      import { createServer } from "node:net";
      createServer((connection) => connection.end()).listen(${JSON.stringify(socket)});
    `);
    startThreadEarly(listens);
    await vi.waitFor(async () => connectTo(socket), { timeout: DEADLINE_MS });
    await endEarlyThread(listens);
    await expect(connectTo(socket)).rejects.toThrow(/ECONNREFUSED|ENOENT/);
    await rm(directory, { recursive: true });
  });
});

async function connectTo(path: string): Promise<void> {
  const socket = connect(path);
  await once(socket, "connect");
  socket.destroy();
}
