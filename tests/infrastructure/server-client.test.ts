import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { serverClient, type ServerClient } from "../../src/infrastructure/postgresql/client/client.ts";
import type { ServerUrl } from "../../src/infrastructure/postgresql/client/server-url.ts";
import { eventually } from "../faults/watching.ts";
import { isThorough } from "../../src/contracts/thorough.ts";
import { createDatabase, serverDefaults } from "../support/test-storage.ts";

const CUTS = isThorough ? 200 : 40;
const CONCURRENCY = 12;
/** Not a measure of speed. A statement on a dead connection would wait until this timeout, because no other one is set. */
const TEST_TIMEOUT_MS = 120_000;

describe("a pool whose connections are cut repeatedly", () => {
  let server: ServerUrl;
  let other: ServerClient;

  beforeAll(async () => {
    server = await createDatabase();
    other = serverClient({ ...serverDefaults, server, poolSize: 1 });
  });
  afterAll(async () => other.end(1000));

  it(
    "settles every statement, and no statement waits for a dead connection",
    { timeout: TEST_TIMEOUT_MS },
    async () => {
      const connectTimeoutMs = 2 * TEST_TIMEOUT_MS;
      const client = serverClient({
        ...serverDefaults,
        server,
        poolSize: 4,
        connectTimeoutMs,
        statementTimeoutMs: null,
      });
      const over = new AbortController();
      let answered = 0;
      let failed = 0;
      const ask = async () => {
        while (!over.signal.aborted) {
          // After setImmediate the driver writes in the next turn of the event loop. The end of the connection may arrive before.
          await new Promise((settle) => setImmediate(settle));
          await client.unsafe("select 1").then(
            () => void answered++,
            () => void failed++,
          );
        }
      };
      const asking = Array.from({ length: CONCURRENCY }, ask);
      for (let cut = 0; cut < CUTS; cut++) {
        // Waits for results, so that each cut finds active connections on a slow machine, too.
        const enough = answered + CONCURRENCY;
        await eventually("answers before the next cut", () => answered >= enough, TEST_TIMEOUT_MS);
        await other.unsafe(
          "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and datname = current_database()",
        );
      }
      over.abort();
      await Promise.all(asking);
      expect(failed).toBeGreaterThan(0);
      await client.end(1000);
    },
  );
});

describe("a pool whose connections are idle", () => {
  it("closes a connection after its idle time, which is in milliseconds", async () => {
    const server = await createDatabase();
    const client = serverClient({ ...serverDefaults, server, poolSize: 1, idleTimeoutMs: 100 });
    const observer = serverClient({ ...serverDefaults, server, poolSize: 1 });
    const rows = async (on: ServerClient, statement: string) =>
      (await on.unsafe(statement)) as readonly { readonly pid: number }[];
    const [used] = await rows(client, "select pg_backend_pid() as pid");
    const open = `select pid from pg_stat_activity where pid = ${used?.pid}`;
    await eventually("the end of the idle connection", async () => (await rows(observer, open)).length === 0, 20_000);
    for (const each of [client, observer]) await each.end(1000);
  });
});
