import { once } from "node:events";
import { Worker } from "node:worker_threads";
import type { PasswordHash } from "../../domain/user/password.ts";
import { argon2id } from "./argon2id.ts";
import type { HashingAnswer, HashingRequest } from "./hashing-messages.ts";
import type { PasswordAlgorithm } from "./password-algorithm.ts";

// A thread is loaded by Node itself, so it is always the built file; `src` and `dist` lie side by side.
const WORKER_FILE = new URL("../../../dist/infrastructure/crypto/hashing-worker.js", import.meta.url);
/** It runs a few kilobytes of JavaScript. The memory that Argon2id takes is not of this heap. */
const RESOURCE_LIMITS = { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 8 };

/**
 * Argon2id on threads of its own. A thread is started when all others are busy, and kept; so there are as many as passwords
 * are hashed at a time, which is for the caller to bound. One that fails takes only its own password with it.
 *
 * @param file What the threads run: a module that answers each request with an answer.
 */
export function argon2idOnThreads(file: URL = WORKER_FILE): PasswordAlgorithm {
  const idle = new Set<Worker>();

  const start = (): Worker => {
    const worker = new Worker(file, { resourceLimits: RESOURCE_LIMITS });
    // Without a listener an error would end the process. The thread ends with it, which is what counts.
    return worker.on("error", () => {}).on("exit", () => idle.delete(worker));
  };

  const run = async (request: HashingRequest): Promise<PasswordHash | boolean> => {
    const [worker = start()] = idle;
    idle.delete(worker);
    const answer = await answerOf(worker, request);
    idle.add(worker);
    if ("error" in answer) throw answer.error;
    return answer.value;
  };

  return {
    ...argon2id,
    hash: async (password) => (await run({ password, hash: null })) as PasswordHash,
    verify: async (password, hash) => (await run({ password, hash })) as boolean,
  };
}

/** Rejects when the thread ends without an answer. While it works, and no longer, it keeps the process alive. */
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
