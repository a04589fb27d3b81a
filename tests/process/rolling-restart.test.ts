import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { PROXIES, type RunningProxy } from "../support/proxies.ts";
import { createDatabase, databaseUrl } from "../support/test-storage.ts";
import { startServer, type RunningServer } from "./server.ts";

const nginx = PROXIES.find(({ name }) => name === "nginx");
const skipReason = nginx?.skipReason ?? null;
const CLIENTS = 8;
/** Each server is restarted this often. */
const ROUNDS = 3;
const RESTARTS_TIMEOUT_MS = 240_000;
const ADA = { name: "Ada", email: "ada@example.org", password: "correct horse" };

/** Two servers on one PostgreSQL, behind nginx as in the example. */
describe.skipIf(skipReason !== null)(
  `a rolling restart${skipReason === null ? "" : ` (skipped: ${skipReason})`}`,
  () => {
    let database: string;
    let proxy: RunningProxy | undefined;
    const servers: RunningServer[] = [];
    const portOf = ({ url }: RunningServer) => new URL(url).port;

    const start = async (port: string) =>
      startServer("", { DATABASE_URL: database, PORT: port, QUIRE_TRUSTED_PROXIES: "127.0.0.1" });

    beforeAll(async () => {
      database = databaseUrl(await createDatabase());
      for (let index = 0; index < 2; index++) servers.push(await start("0"));
      proxy = await nginx?.start(...servers.map((server) => Number(portOf(server))));
    });

    afterAll(async () => {
      await proxy?.end();
      for (const server of servers) await server.end("SIGKILL");
    });

    const send = async (path: string, body?: object, headers: Record<string, string> = {}) =>
      fetch(`http://127.0.0.1:${proxy?.port}${path}`, {
        method: body === undefined ? "GET" : "POST",
        headers: { "Content-Type": "application/json", ...headers },
        body: body === undefined ? null : JSON.stringify(body),
      });

    it("loses no request and stores each post once", { timeout: RESTARTS_TIMEOUT_MS }, async () => {
      expect((await send("/v1/users", ADA)).status).toBe(201);
      const session = await send("/v1/sessions", { email: ADA.email, password: ADA.password });
      const { token } = (await session.json()) as { readonly token: string };
      const failures: string[] = [];
      const created = new Set<string>();
      const stop = new AbortController();
      let reads = 0;

      const client = async () => {
        while (!stop.signal.aborted) {
          const read = await send("/v1/posts?limit=5");
          reads += 1;
          if (read.status !== 200) failures.push(`GET ${read.status}: ${await read.text()}`);
          else await read.arrayBuffer();
          const headers = { Authorization: `Bearer ${token}`, "Idempotency-Key": randomUUID() };
          const written = await send("/v1/posts", { title: "Hello", content: "…", status: "published" }, headers);
          if (written.status === 201) created.add(((await written.json()) as { readonly id: string }).id);
          else failures.push(`POST ${written.status}: ${await written.text()}`);
        }
      };
      const clients = Array.from({ length: CLIENTS }, client);

      for (let round = 0; round < ROUNDS; round++) {
        for (const [index, server] of servers.entries()) {
          const before = [created.size, reads] as const;
          expect((await server.end("SIGTERM")).exitCode).toBe(0);
          servers[index] = await start(portOf(server));
          const hasContinued = () => created.size > before[0] && reads > before[1];
          await expect.poll(hasContinued, { timeout: 30_000 }).toBe(true);
        }
      }
      stop.abort();
      await Promise.all(clients);
      expect(failures).toEqual([]);
      const { total } = (await (await send("/v1/posts?limit=1&count=true")).json()) as { readonly total: number };
      expect(total).toBe(created.size);
    });
  },
);
