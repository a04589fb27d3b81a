import { rm } from "node:fs/promises";
import { join } from "node:path";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect } from "vitest";
import type { User } from "../../../src/domain/user/user.ts";
import { argon2id } from "../../../src/infrastructure/crypto/argon2id.ts";
import { serverClient } from "../../../src/infrastructure/postgresql/client/client.ts";
import { openPostgresStorage } from "../../../src/infrastructure/postgresql/postgres-storage.ts";
import { aUser, password, testClock } from "../../../src/testing/fixtures.ts";
import { PASSWORD } from "../../../src/testing/test-app.ts";
import { checkDocumented, clientsOf, type OpenRemoteApi } from "../../support/api.ts";
import { createDatabase, databaseUrl, emptyingWith, serverDefaults } from "../../support/test-storage.ts";
import { httpClientContract } from "../../contract/http/http.contract.ts";
import { httpRuntimeRules } from "../../contract/http/http-runtime-rules.ts";
import { SETTINGS_HEADER, TIME_HEADER } from "./contract-headers.ts";
import { eventually } from "../../faults/watching.ts";
import { changedConfig, edgeProject, ROOT } from "./edge-page.ts";
import { startWorker, type RunningWorker } from "./workerd.ts";

/** The storage of a worker, as a test sees it. */
interface WorkerUnderTest {
  readonly worker: RunningWorker;
  /** Removes the rows of earlier tests. */
  readonly empty: () => Promise<void>;
  readonly storeUser: (user: User) => Promise<void>;
  /** Called before each search. The worker indexes the posts of a request after its answer. */
  readonly beforeSearch: () => Promise<void>;
  readonly stop: () => Promise<void>;
}

let project: string;

beforeAll(async () => {
  project = await edgeProject();
  await build({
    entryPoints: [join(import.meta.dirname, "contract-worker.ts")],
    outfile: join(project, "contract-worker.js"),
    absWorkingDir: ROOT,
    bundle: true,
    format: "esm",
    external: ["node:*", "cloudflare:*", "*.wasm"],
    logLevel: "warning",
  });
});
afterAll(async () => rm(project, { recursive: true }));

async function onMemory(): Promise<WorkerUnderTest> {
  const config = await changedConfig(project, "config.capnp", 'embed "worker.js"', 'embed "contract-worker.js"');
  const worker = await startWorker(project, config);
  const post = async (path: string, body?: string) => {
    const response = await fetch(worker.url + path, { method: "POST", ...(body === undefined ? {} : { body }) });
    expect(response.status, worker.logged()).toBe(204);
  };
  return {
    worker,
    empty: async () => post("/test/storage"),
    storeUser: async (user) => post("/test/users", JSON.stringify(user)),
    beforeSearch: async () => {},
    stop: async () => worker.stop(),
  };
}

async function onPostgresql(): Promise<WorkerUnderTest> {
  const server = await createDatabase();
  const storage = (await openPostgresStorage({ ...serverDefaults, server }))._unsafeUnwrap();
  const client = serverClient({ ...serverDefaults, server, poolSize: 1 });
  const from = 'embed "postgresql-worker.js"';
  const config = await changedConfig(project, "postgresql.capnp", from, 'embed "contract-worker.js"');
  const worker = await startWorker(project, config, { DATABASE_URL: `${databaseUrl(server)}?application_name=worker` });
  const emptyTables = emptyingWith(async (statement) => client.unsafe(statement));
  const connections = "select from pg_stat_activity where application_name = 'worker' and datname = current_database()";
  const isIdle = async () => ((await client.unsafe(connections)) as readonly unknown[]).length === 0;
  return {
    worker,
    empty: async () => {
      // The worker indexes posts after its answer.
      await eventually("the worker has no connection", isIdle);
      await emptyTables();
    },
    storeUser: async (user) => (await storage.users.insert(user))._unsafeUnwrap(),
    beforeSearch: async () => void (await storage.searchIndex.sweep())._unsafeUnwrap(),
    stop: async () => {
      await worker.stop();
      await client.end(1000);
      await storage.close();
    },
  };
}

/** The response without the headers of its connection (RFC 9110, 7.6.1), which are not those of the API. */
function withoutConnection({ status, headers, body }: Response): Response {
  const own = [...headers].filter(([name]) => !["connection", "keep-alive", "transfer-encoding"].includes(name));
  return new Response(body, { status, headers: own });
}

let clients = 0;

/** Opens the API of the worker on an emptied storage, with its own client address. */
function apiOf(started: () => WorkerUnderTest): OpenRemoteApi {
  return async ({ http, registration } = {}) => {
    const { worker, empty, storeUser, beforeSearch } = started();
    await empty();
    const clock = testClock();
    const settings = JSON.stringify({ http: { ...NO_LIMITS, ...http }, registration });
    const own = { [SETTINGS_HEADER]: settings, "CF-Connecting-IP": `2001:db8:${(++clients).toString(16)}::1` };
    const reach = clientsOf({
      request: async (path, init) => {
        if (/[?&]q=/.test(path)) await beforeSearch();
        const headers = { ...own, [TIME_HEADER]: clock.now().toISOString(), ...(init.headers as object) };
        return withoutConnection(await fetch(worker.url + path, { ...init, headers, redirect: "manual" }));
      },
      check: async (method, path, reply) => checkDocumented(method, path, reply, http),
      createAdmin: async (email) => {
        const passwordHash = await argon2id.hash(password(PASSWORD));
        await storeUser(aUser({ email, passwordHash, role: "admin" }));
      },
    });
    return { clock, ...reach };
  };
}

const NO_LIMITS = { requestsPerMinute: 0, logInsPerMinute: 0 };

describe.each([
  ["memory", onMemory],
  ["PostgreSQL", onPostgresql],
])("HTTP of a worker on %s", (_, start) => {
  let started: WorkerUnderTest;
  beforeAll(async () => {
    started = await start();
  });
  afterAll(async () => started.stop());

  httpClientContract(apiOf(() => started));
});

describe("the rules of HTTP of a worker, in memory", () => {
  let started: WorkerUnderTest;
  beforeAll(async () => {
    started = await onMemory();
  });
  afterAll(async () => started.stop());

  httpRuntimeRules(apiOf(() => started));
});
