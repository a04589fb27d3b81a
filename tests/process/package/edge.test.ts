import { execFile } from "node:child_process";
import { copyFile, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { quire, type Quire } from "../../../src/bootstrap/quire.ts";
import { serverClient, type ServerClient } from "../../../src/infrastructure/postgresql/client/client.ts";
import { openPostgresStorage } from "../../../src/infrastructure/postgresql/postgres-storage.ts";
import type { ServerUrl } from "../../../src/infrastructure/postgresql/client/server-url.ts";
import { eventually } from "../../faults/watching.ts";
import { PACKAGE_NAME } from "../../support/package-name.ts";
import type { PostgresServer } from "../../support/postgres-server.ts";
import { createDatabase, databaseUrl, serverDefaults } from "../../support/test-storage.ts";
import { startTlsServer, whyNoCertificate } from "../../support/tls-server.ts";
import { changedConfig, edgeProject, PAGE, ROOT } from "./edge-page.ts";
import { clientOf, edgeFlows, logIn, PASSWORD, register, type Send } from "./edge-flows.ts";
import { startWorker, type RunningWorker } from "./workerd.ts";

const BUNDLES = Array.from(PAGE.matchAll(/^npx esbuild (.*)$/gm), ([, words = ""]) => words.split(" "));
/** The oldest date that the page names for a worker in memory. Workers of that date have no module of Node. */
const OLDEST_DATE = /from the compatibility date `([\d-]+)`/.exec(PAGE)?.[1] ?? "";
const GRACE = "grace@example.org";

let project: string;

beforeAll(async () => {
  project = await edgeProject();
  for (const words of BUNDLES) await bundle(words);
});
afterAll(async () => rm(project, { recursive: true }));

async function bundle(words: readonly string[]) {
  await promisify(execFile)(join(ROOT, "node_modules", ".bin", "esbuild"), [...words, "--log-level=warning"], {
    cwd: project,
  });
}

describe.each([
  ["with the configuration of docs/edge.md", async () => "config.capnp"],
  [
    "with the oldest compatibility date",
    async () =>
      changedConfig(project, "config.capnp", /(?<=compatibilityDate = )"[\d-]+"/, JSON.stringify(OLDEST_DATE)),
  ],
])("a worker in memory, %s", (_, config) => {
  let worker: RunningWorker;
  beforeAll(async () => {
    worker = await startWorker(project, await config());
  });
  afterAll(async () => worker.stop());

  edgeFlows(() => worker.url);

  it("needs no module of Node", async () => {
    expect(await readFile(join(project, "worker.js"), "utf8")).not.toMatch(/from ?"(?!quire-api\/argon2id\.wasm")/);
  });
});

describe("a worker on a PostgreSQL server", () => {
  let server: ServerUrl;
  let url: string;
  let worker: RunningWorker;
  let database: ServerClient;
  /** The API of the Node server on the same database. */
  let node: Quire;

  beforeAll(async () => {
    server = await createDatabase();
    url = databaseUrl(server);
    const create = ["user", "create", "--new-database", "--role", "admin", "--name", "Grace", "--email", GRACE];
    await command([...create, "--password-stdin"], url, PASSWORD);
    worker = await startWorker(project, "postgresql.capnp", { DATABASE_URL: `${url}?application_name=worker` });
    database = serverClient({ ...serverDefaults, server, poolSize: 1 });
    const storage = (await openPostgresStorage({ ...serverDefaults, server }))._unsafeUnwrap();
    node = quire({ storage });
  });
  afterAll(async () => {
    await worker.stop();
    await database.end(1000);
    await node.close();
  });

  const send: Send = clientOf(() => worker.url);
  const sendToNode = async (method: string, path: string, headers: Readonly<Record<string, string>>, json: object) =>
    node.app.request(path, {
      method,
      headers: { "Content-Type": "application/json", ...headers },
      ...(method === "GET" ? {} : { body: JSON.stringify(json) }),
    });
  const select = async (text: string) => (await database.unsafe(text)) as readonly Readonly<Record<string, unknown>>[];

  edgeFlows(() => worker.url);

  it("logs in a user whose password was hashed on Node, and the reverse", async () => {
    await logIn(send, GRACE);
    const { email } = await register(send);
    const session = await sendToNode("POST", "/v1/sessions", {}, { email, password: PASSWORD });
    expect(session.status).toBe(201);
  });

  it("accepts the session of a Node server and replays its answers, and the reverse", async () => {
    const ofWorker = await logIn(send, GRACE);
    const logged = await sendToNode("POST", "/v1/sessions", {}, { email: GRACE, password: PASSWORD });
    const { token } = (await logged.json()) as { token: string };
    const ofNode = { Authorization: `Bearer ${token}` };
    const json = { title: "On both", content: "a word and ".repeat(500) };
    const keys = [crypto.randomUUID(), crypto.randomUUID()];

    const first = await sendToNode("POST", "/v1/posts", { ...ofWorker, "Idempotency-Key": keys[0] ?? "" }, json);
    const replay = await send("POST", "/v1/posts", { headers: { ...ofNode, "Idempotency-Key": keys[0] ?? "" }, json });
    expect([replay.headers.get("Idempotency-Replayed"), replay.body]).toEqual(["true", await first.json()]);

    const made = await send("POST", "/v1/posts", { headers: { ...ofNode, "Idempotency-Key": keys[1] ?? "" }, json });
    const again = await sendToNode("POST", "/v1/posts", { ...ofWorker, "Idempotency-Key": keys[1] ?? "" }, json);
    expect([again.headers.get("Idempotency-Replayed"), await again.json()]).toEqual(["true", made.body]);
  });

  it("counts the rate limits together with every other worker on the database", async () => {
    const other = await startWorker(project, "postgresql.capnp", { DATABASE_URL: url });
    try {
      const json = { email: "nobody@example.org", password: "a wrong password" };
      for (let attempt = 0; attempt < 10; attempt++) await send("POST", "/v1/sessions", { json });
      expect((await send("POST", "/v1/sessions", { json })).status).toBe(429);
      const headers = { "CF-Connecting-IP": "192.0.2.255" };
      const sendElsewhere: Send = async (method, path, call) =>
        clientOf(() => other.url)(method, path, { ...call, headers });
      for (let attempt = 0; attempt < 10; attempt++) await send("POST", "/v1/sessions", { json, headers });
      expect((await sendElsewhere("POST", "/v1/sessions", { json })).status).toBe(429);
    } finally {
      await other.stop();
    }
  });

  it("closes the connections of each request", async () => {
    await Promise.all(Array.from({ length: 20 }, async () => send("GET", "/v1/posts")));
    const open = "select from pg_stat_activity where datname = current_database() and application_name = 'worker'";
    await eventually("the worker has no connection", async () => (await select(open)).length === 0);
  });

  it("reports readiness, with the durability of the server", async () => {
    expect((await send("GET", "/health/ready")).body).toMatchObject({ status: "ready", writable: true });
  });

  it("completes the work of the server in a scheduled event", async () => {
    const { headers } = await register(send);
    const post = await send("POST", "/v1/posts", {
      headers,
      json: { title: "Zeppelin", content: "", status: "draft" },
    });
    const id = String(post.body["id"]);
    await eventually("the post is indexed", async () => (await select("select from post_search")).length > 0);
    await select(
      `update sessions set expires_at = created_at where user_id = (select author_id from posts where id = '${id}')`,
    );
    await select("update rate_limits set ends_at = now() - interval '1 minute'");
    await select("delete from post_search");

    await writeFile(join(project, "scheduled.ts"), SCHEDULED);
    await bundle((BUNDLES[1] ?? []).map((word) => word.replace("postgresql-worker", "scheduled")));
    const config = await changedConfig(
      project,
      "postgresql.capnp",
      'embed "postgresql-worker.js"',
      'embed "scheduled.js"',
    );
    const scheduled = await startWorker(project, config, { DATABASE_URL: url });
    expect((await fetch(scheduled.url)).status).toBe(200);
    await scheduled.stop();

    expect(await select("select from sessions where expires_at = created_at")).toEqual([]);
    expect(await select("select from rate_limits")).toEqual([]);
    expect(await select(`select from post_search where post_id = '${id}'`)).toHaveLength(1);
  });
});

/** workerd has no schedule, so this worker calls the handler of the page. */
const SCHEDULED = `
import worker from "./postgresql-worker.ts";
type Scheduled = Parameters<typeof worker.scheduled>;
export default {
  fetch: async (_: Request, env: Scheduled[1], context: Scheduled[2]): Promise<Response> => {
    await worker.scheduled({}, env, context);
    return new Response();
  },
};
`;

describe("a worker that is not set up", () => {
  it.each([
    ["an empty database", async () => databaseUrl(await createDatabase()), "503 schema_outdated", "schema_outdated"],
    [
      "a malformed URL",
      async () => "localhost",
      "500 internal_error",
      "The URL of the database must look like postgres://",
    ],
    [
      "a server that does not answer",
      async () => "postgres://127.0.0.1:1/quire",
      "503 storage_unavailable",
      "the storage was not opened",
    ],
  ])("answers with a problem and logs the reason, with %s", async (_, urlOf, expected, reason) => {
    const worker = await startWorker(project, "postgresql.capnp", { DATABASE_URL: await urlOf() });
    try {
      const { status, body } = await clientOf(() => worker.url)("GET", "/v1/posts");
      expect(`${status} ${String(body["code"])}`).toBe(expected);
      await eventually("the reason is logged", () => worker.logged().includes(reason));
    } finally {
      await worker.stop();
    }
  });
});

describe("a worker on a PostgreSQL server that speaks TLS", () => {
  let server: PostgresServer;
  let trusting: string;

  beforeAll(async () => {
    if (whyNoCertificate !== null) return;
    const started = await startTlsServer("DNS:localhost");
    ({ server } = started);
    const create = ["user", "create", "--new-database", "--role", "admin", "--name", "Grace", "--email", GRACE];
    await command([...create, "--password-stdin"], `${server.url}/postgres`, PASSWORD);
    await copyFile(started.certificate, join(project, "ca.pem"));
    const trusted = 'trustBrowserCas = true, trustedCertificates = [embed "ca.pem"]';
    trusting = await changedConfig(project, "postgresql.capnp", "trustBrowserCas = true", trusted);
  });
  beforeEach(({ skip }) => skip(whyNoCertificate !== null, whyNoCertificate ?? ""));
  afterAll(async () => {
    if (whyNoCertificate === null) await server.stop();
  });

  it.for([
    { parameters: "sslmode=require", host: "localhost", isTrusted: true, status: 200 },
    { parameters: "sslmode=verify-full", host: "localhost", isTrusted: true, status: 200 },
    { parameters: "sslmode=require&target_session_attrs=primary", host: "localhost", isTrusted: true, status: 200 },
    { parameters: "sslmode=disable", host: "127.0.0.1", isTrusted: false, status: 200 },
    { parameters: "sslmode=require", host: "localhost", isTrusted: false, status: 503 },
    { parameters: "sslmode=require", host: "127.0.0.1", isTrusted: true, status: 503 },
  ])("answers $status with $parameters on $host, with a trusted certificate: $isTrusted", async (connection) => {
    const { parameters, host, isTrusted, status } = connection;
    const url = `${server.url.replace("127.0.0.1", host)}/postgres?${parameters}`;
    const worker = await startWorker(project, isTrusted ? trusting : "postgresql.capnp", { DATABASE_URL: url });
    try {
      const answer = await clientOf(() => worker.url)("GET", "/v1/posts");
      expect(answer.status, worker.logged()).toBe(status);
      const reason = status === 503 ? /invalid peer certificate/ : /"status":200/;
      await eventually("the reason is logged", () => reason.test(worker.logged()));
    } finally {
      await worker.stop();
    }
  });
});

/** Runs a command of the installed package. */
async function command(words: readonly string[], url: string, input: string): Promise<void> {
  const program = join(project, "node_modules", PACKAGE_NAME, "dist", "cli.js");
  const { PATH } = process.env;
  const running = promisify(execFile)(process.execPath, [program, ...words], {
    cwd: project,
    env: { PATH, DATABASE_URL: url },
  });
  running.child.stdin?.end(input);
  await running;
}
