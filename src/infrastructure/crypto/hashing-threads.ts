import { once } from "node:events";
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import type { PasswordHash } from "../../domain/user/password.ts";
import { packageFile } from "../node/package-files.ts";
import { argon2id } from "./argon2id.ts";
import type { HashingAnswer, HashingRequest } from "./hashing-messages.ts";
import type { HashingLimits } from "./hashing-queue.ts";
import type { PasswordAlgorithm } from "./password-algorithm.ts";

/** Each running hash takes 19 MiB and a thread. */
const MAX_RUNNING = 4;
/** The last request of a full lane waits half a second for one thread, and a second if the other lane is full too. */
const MAX_WAITING = 50;

/** Half of the cores, so that a flood of log-ins leaves the other half to the event loop and the database. */
export const THREAD_LIMITS: HashingLimits = {
  running: Math.min(MAX_RUNNING, Math.max(1, Math.floor(availableParallelism() / 2))),
  waiting: MAX_WAITING,
};

/** Node itself loads a worker thread, so this is always the built file. */
const WORKER_FILE = packageFile("dist/workers/hashing-worker.js");
/** A worker runs a few kilobytes of JavaScript. The memory of Argon2id is outside of this heap. */
const RESOURCE_LIMITS = { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 8 };

/**
 * Argon2id on worker threads. A thread is started when all others are busy, and then kept, so there are as many threads as
 * concurrent hashes; the caller bounds these. A thread that fails affects only its own password.
 *
 * @param file The module that the threads run. It responds to each request with one answer.
 */
export function argon2idOnThreads(file: URL = WORKER_FILE): PasswordAlgorithm {
  const running = new Set<Worker>();
  const idle = new Set<Worker>();

  const start = (): Worker => {
    const worker = new Worker(file, { resourceLimits: RESOURCE_LIMITS });
    // Without a listener an error would end the process. The thread exits after it, which rejects the request.
    worker
      .on("error", () => {})
      .on("exit", () => {
        running.delete(worker);
        idle.delete(worker);
      });
    running.add(worker);
    return worker;
  };

  const run = async (request: HashingRequest): Promise<PasswordHash | boolean> => {
    const [worker = start()] = idle;
    idle.delete(worker);
    const answer = await answerOf(worker, request);
    // Node delivers the last message of an exiting thread together with its exit, before this line runs.
    if (running.has(worker)) idle.add(worker);
    if ("error" in answer) throw answer.error;
    return answer.value;
  };

  return {
    ...argon2id,
    hash: async (password) => (await run({ password, hash: null })) as PasswordHash,
    verify: async (password, hash) => (await run({ password, hash })) as boolean,
  };
}

/** Rejects if the thread exits without an answer. The thread keeps the process alive only while it works. */
async function answerOf(worker: Worker, request: HashingRequest): Promise<HashingAnswer> {
  const ended = new AbortController();
  const { signal } = ended;
  worker.ref();
  worker.postMessage(request, []);
  try {
    return await Promise.race([
      once(worker, "message", { signal }).then(([answer]) => answer as HashingAnswer),
      once(worker, "exit", { signal }).then(([code]) => {
        throw new Error(`The hashing thread ended with ${String(code)}.`);
      }),
    ]);
  } finally {
    ended.abort();
    worker.unref();
  }
}
