import { ok } from "neverthrow";
import argon2id from "quire-api/argon2id.wasm";
import { edgeHandler, type OpenWorkerStorage, type WorkerHandler, type WorkerStorage } from "quire-api/edge";
import { openPostgresPerRequest } from "quire-api/edge/postgresql";
import { openMemoryStorage } from "../../../src/infrastructure/memory/memory-storage.ts";
import { rateLimiter } from "../../../src/infrastructure/node/rate-limiter.ts";
import { SETTINGS_HEADER, TIME_HEADER } from "./contract-headers.ts";

/**
 * The worker of the HTTP contract. It is the worker of docs/edge.md, and each request brings the settings and the time of its test. On
 * memory, a POST to /test/storage empties the storage, and one to /test/users stores a user, because HTTP alone creates no admin.
 */

interface Env {
  readonly DATABASE_URL?: string;
}

type User = Parameters<WorkerStorage["users"]["insert"]>[0];

let now = new Date(0);
const clock = { now: () => now };
let memory: WorkerStorage | undefined;
const postgresql = openPostgresPerRequest<Env>({ url: ({ DATABASE_URL = "" }) => DATABASE_URL });
const storage: OpenWorkerStorage<Env> = async (env, log) =>
  env.DATABASE_URL === undefined ? ok(openMemory()) : postgresql(env, log);
const handlers = new Map<string, WorkerHandler<Env>>();

function openMemory(): WorkerStorage {
  memory ??= { ...openMemoryStorage(), limiter: rateLimiter };
  return memory;
}

async function storeUser(request: Request): Promise<Response> {
  const user = (await request.json()) as User;
  const times = { createdAt: new Date(user.createdAt), updatedAt: new Date(user.updatedAt) };
  const stored = await openMemory().users.insert({ ...user, ...times });
  return new Response(null, { status: stored.isOk() ? 204 : 500 });
}

const worker: Pick<WorkerHandler<Env>, "fetch"> = {
  fetch: async (request, env, context) => {
    const { pathname } = new URL(request.url);
    if (pathname === "/test/users") return storeUser(request);
    if (pathname === "/test/storage") {
      memory = undefined;
      return new Response(null, { status: 204 });
    }
    now = new Date(request.headers.get(TIME_HEADER) ?? 0);
    const settings = request.headers.get(SETTINGS_HEADER) ?? "{}";
    const handler =
      handlers.get(settings) ?? edgeHandler({ argon2id, storage, clock, ...(JSON.parse(settings) as object) });
    handlers.set(settings, handler);
    return handler.fetch(request, env, context);
  },
};

// oxlint-disable-next-line import/no-default-export -- A worker is the default export of its module.
export default worker;
