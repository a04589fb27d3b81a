import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { serverClient, type ServerClient } from "../../src/infrastructure/postgresql/server-client.ts";
import type { ServerUrl } from "../../src/infrastructure/postgresql/server-url.ts";
import { eventually } from "../faults/watching.ts";
import { createDatabase, serverDefaults } from "../support/test-storage.ts";

const CUTS = 60;
const ASKING = 12;

describe("a pool whose connections are cut again and again", () => {
  let server: ServerUrl;
  let other: ServerClient;

  beforeAll(async () => {
    server = await createDatabase();
    other = serverClient({ ...serverDefaults, server, poolSize: 1 });
  });
  afterAll(async () => other.end(1000));

  it("answers every statement, and leaves none to wait for a connection that nobody writes on", async () => {
    // Longer than the test: whoever waits for it is never answered.
    const client = serverClient({ ...serverDefaults, server, poolSize: 4, connectTimeoutMs: 600_000 });
    const over = new AbortController();
    let waiting = 0;
    let failed = 0;
    const ask = async () => {
      while (!over.signal.aborted) {
        // In this phase of the event loop the driver writes in the next turn, and may hear of the end before it.
        await new Promise((settle) => setImmediate(settle));
        waiting++;
        await client.unsafe("select 1").then(null, () => void failed++);
        waiting--;
      }
    };
    const asking = Array.from({ length: ASKING }, ask);
    const others = "pid <> pg_backend_pid() and datname = current_database()";
    for (let cut = 0; cut < CUTS; cut++) {
      await delay(30);
      await other.unsafe(`select pg_terminate_backend(pid) from pg_stat_activity where ${others}`);
    }
    over.abort();
    await eventually("an answer to each", () => waiting === 0);
    await Promise.all(asking);
    expect(failed).toBeGreaterThan(CUTS);
    await client.end(1000);
  });
});
