import { err, errAsync, ok } from "neverthrow";
import { describe, expect, it } from "vitest";
import type { StopUnclean } from "../../../src/application/ports/storage.ts";
import { edgeHandler, type EdgeOptions } from "../../../src/bootstrap/edge/edge-handler.ts";
import type { WorkerStorage } from "../../../src/bootstrap/edge/worker-storage.ts";
import type { StorageFailure } from "../../../src/domain/shared/storage-failure.ts";
import type { PostId } from "../../../src/domain/shared/id.ts";
import { openMemoryStorage } from "../../../src/infrastructure/memory/memory-storage.ts";
import { rateLimiter } from "../../../src/infrastructure/node/rate-limiter.ts";
import {
  workerHandler,
  type OpenWorkerError,
  type WorkerContext,
  type WorkerHandler,
} from "../../../src/interfaces/edge/worker-handler.ts";
import { failing } from "../../../src/testing/failing.ts";
import { recordingLog } from "../../../src/testing/fixtures.ts";
import { compiledArgon2id } from "../../support/compiled-argon2id.ts";

const OUTAGE: StorageFailure = {
  kind: "storage_failure",
  reason: "unavailable",
  isTransient: true,
  operation: "test",
  cause: { message: "it broke" },
};

/** A worker whose events end with their work, and the events that its storage notes. */
function workerOn(storage: Partial<WorkerStorage> = {}) {
  const noted: string[] = [];
  const log = recordingLog();
  const memory = openMemoryStorage();
  const opened: WorkerStorage = {
    ...memory,
    limiter: rateLimiter,
    close: async () => {
      noted.push("closed");
      return ok();
    },
    ...storage,
  };
  const options: EdgeOptions<unknown> = { argon2id: compiledArgon2id(), log, storage: async () => ok(opened) };
  const handler = edgeHandler(options);
  const waiting: Promise<unknown>[] = [];
  const context = { waitUntil: (promise: Promise<unknown>) => void waiting.push(promise) };
  return {
    noted,
    log,
    call: async (path: string, init?: RequestInit) => {
      const response = await handler.fetch(new Request(`http://localhost${path}`, init), {}, context);
      await Promise.all(waiting);
      return response;
    },
    scheduled: async () => handler.scheduled({}, {}, context),
  };
}

const json = (body: object, headers: Readonly<Record<string, string>> = {}): RequestInit => ({
  method: "POST",
  headers: { "Content-Type": "application/json", ...headers },
  body: JSON.stringify(body),
});
const ADA = { email: "ada@example.org", password: "correct horse" };

/** A search index that notes what it is asked to do. Its first batch leaves the posts, as if another request wrote them. */
function notingIndex(noted: string[]) {
  let isFirst = true;
  return {
    index: async (ids: readonly PostId[]) => {
      noted.push(`index ${ids.length}`);
      const left = isFirst ? ids : [];
      isFirst = false;
      return ok({ indexed: ids.length - left.length, left });
    },
    sweep: async () => {
      noted.push("sweep");
      return ok(0);
    },
  };
}

describe("edgeHandler", () => {
  it("closes the storage of a request after its answer", async () => {
    const worker = workerOn();
    expect((await worker.call("/health/ready")).status).toBe(200);
    expect(worker.noted).toEqual(["closed"]);
  });

  it("indexes the changed posts before it closes the storage, and tries again for posts that are locked", async () => {
    const noted: string[] = [];
    const close = async () => {
      noted.push("closed");
      return ok();
    };
    const worker = workerOn({ searchIndex: notingIndex(noted), close });
    await worker.call("/v1/users", json({ ...ADA, name: "Ada" }));
    const session = (await (await worker.call("/v1/sessions", json(ADA))).json()) as { token: string };
    noted.length = 0;
    const headers = { Authorization: `Bearer ${session.token}` };
    expect((await worker.call("/v1/posts", json({ title: "Hello", content: "" }, headers))).status).toBe(201);
    expect(noted).toEqual(["index 1", "index 1", "closed"]);
  });

  it.each<[string, (worker: WorkerHandler<unknown>, context: WorkerContext) => Promise<unknown>]>([
    ["a request", async (worker, context) => worker.fetch(new Request("http://localhost/"), {}, context)],
    ["its periodic work", async (worker, context) => worker.scheduled({}, {}, context)],
  ])("closes the storage of an event when %s throws", async (_, run) => {
    const noted: string[] = [];
    const broken = async () => Promise.reject(new Error("broken"));
    const finish = async () => void noted.push("finished");
    const open = async () => ok({ fetch: broken, maintain: broken, finish });
    const waiting: Promise<unknown>[] = [];
    const context = { waitUntil: (promise: Promise<unknown>) => void waiting.push(promise) };
    await expect(run(workerHandler({ open, log: recordingLog() }), context)).rejects.toThrow("broken");
    await Promise.all(waiting);
    expect(noted).toEqual(["finished"]);
  });

  it("never compresses an answer, because the platform does", async () => {
    const answer = await workerOn().call("/openapi.json", { headers: { "Accept-Encoding": "gzip" } });
    expect(answer.headers.get("Content-Encoding")).toBeNull();
    expect(await answer.json()).toHaveProperty("openapi");
  });

  it("refuses a request with 503 when its rate limit cannot be counted", async () => {
    const limiter = () => ({ take: () => errAsync(OUTAGE) });
    const worker = workerOn({ limiter });
    const answer = await worker.call("/v1/posts");
    expect([answer.status, await answer.json()]).toEqual([
      503,
      expect.objectContaining({ code: "storage_unavailable" }),
    ]);
    expect(worker.noted).toEqual(["closed"]);
  });

  it.each<[OpenWorkerError, string]>([
    [OUTAGE, "503 storage_unavailable"],
    [{ kind: "schema_outdated" }, "503 schema_outdated"],
    [{ kind: "worker_misconfigured", detail: "The URL is wrong." }, "500 internal_error"],
  ])("answers with a problem and logs the reason when the storage does not open: %o", async (failure, expected) => {
    const log = recordingLog();
    const handler = edgeHandler({ argon2id: compiledArgon2id(), log, storage: async () => err(failure) });
    const request = new Request("http://localhost/v1/posts", { headers: { "X-Request-Id": "one" } });
    const answer = await handler.fetch(request, {}, { waitUntil: () => {} });
    const { code, requestId } = (await answer.json()) as { code: string; requestId: string };
    expect([`${answer.status} ${code}`, requestId]).toEqual([expected, "one"]);
    expect(log.lines).toEqual([expect.objectContaining({ level: "error", fields: { failure } })]);
  });

  it("logs a storage that was not closed cleanly", async () => {
    const failure: StopUnclean = { kind: "stop_unclean", detail: "on purpose" };
    const worker = workerOn({ close: async () => err(failure) });
    expect((await worker.call("/health/ready")).status).toBe(200);
    expect(worker.log.lines).toContainEqual(expect.objectContaining({ level: "warn", fields: { failure } }));
  });

  it("runs the periodic work of the server on a schedule, and closes the storage", async () => {
    const noted: string[] = [];
    const memory = openMemoryStorage();
    const note = (what: string) => () => void noted.push(what);
    const worker = workerOn({
      sessions: { ...memory.sessions, deleteExpired: async () => ok(note("sessions")() ?? 0) },
      idempotencyKeys: { ...memory.idempotencyKeys, deleteExpired: async () => ok(note("keys")() ?? 0) },
      purgeRateLimits: async () => ok(note("rate limits")()),
      users: { ...memory.users, listRemovals: async () => ok(note("removals")() ?? []) },
      renewTitleKeys: async () => ok(note("title keys")() ?? 0),
      searchIndex: notingIndex(noted),
      close: async () => ok(note("closed")()),
    });
    await worker.scheduled();
    expect(noted).toEqual(["sessions", "keys", "rate limits", "removals", "title keys", "sweep", "closed"]);
  });

  it("logs each part of the periodic work that fails, and runs the others", async () => {
    const broken = failing("sessions.deleteExpired", "full");
    const purgeRateLimits = async () => err(OUTAGE);
    const worker = workerOn({ ...broken, purgeRateLimits, close: async () => ok() });
    await worker.scheduled();
    expect(worker.log.lines.map(({ message }) => message)).toEqual([
      "expired sessions were not deleted",
      "ended rate limits were not deleted",
    ]);
  });
});
