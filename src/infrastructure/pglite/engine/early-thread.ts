import { startWorkerThread, type WorkerThread } from "./worker-thread.ts";

/** The threads that were started before their data was known, by the file of the Worker. */
const threads = new Map<string, WorkerThread<unknown>>();

/** Starts the thread of an engine that will be opened soon, so that it loads its modules at once. */
export function startThreadEarly(worker: URL): void {
  threads.set(worker.href, startWorkerThread(worker));
}

/** The thread that was started early, or else a new one. */
export function threadFor<Damage>(worker: URL): WorkerThread<Damage> {
  // Its damage is what its file reports, which only the caller of `openEngine` knows.
  return (takeEarlyThread(worker) as WorkerThread<Damage> | undefined) ?? startWorkerThread(worker);
}

/** Ends a thread that no engine needs. */
export async function endEarlyThread(worker: URL): Promise<void> {
  await takeEarlyThread(worker)?.kill();
}

function takeEarlyThread(worker: URL): WorkerThread<unknown> | undefined {
  const early = threads.get(worker.href);
  threads.delete(worker.href);
  return early;
}
