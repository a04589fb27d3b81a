import { parentPort } from "node:worker_threads";
import { argon2id } from "./argon2id.ts";
import type { HashingAnswer, HashingRequest } from "./hashing-messages.ts";

/** A worker thread that hashes one password at a time, so that hashing blocks neither the event loop nor libuv's threads. */
async function answer({ password, hash }: HashingRequest): Promise<HashingAnswer> {
  try {
    return { value: hash === null ? await argon2id.hash(password) : await argon2id.verify(password, hash) };
  } catch (error) {
    return { error };
  }
}

parentPort?.on("message", (request: HashingRequest) => {
  void answer(request).then((answered) => parentPort?.postMessage(answered, []));
});
