import type { PGlite } from "@electric-sql/pglite";
import { sql } from "drizzle-orm";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { rateLimiterContract } from "../../src/contracts/rate-limiter.contract.ts";
import type { Database } from "../../src/infrastructure/drizzle/database.ts";
import { drizzleRateLimiter, purgeRateLimits } from "../../src/infrastructure/drizzle/drizzle-rate-limiter.ts";
import { rateLimits } from "../../src/infrastructure/drizzle/schema.ts";
import { databaseOn as databaseOnEngine } from "../../src/infrastructure/pglite/drizzle-database.ts";
import { serverClient, type ServerClient } from "../../src/infrastructure/postgresql/client/client.ts";
import { databaseOn } from "../../src/infrastructure/postgresql/database.ts";
import { openPostgresStorage } from "../../src/infrastructure/postgresql/postgres-storage.ts";
import { testClock } from "../../src/testing/fixtures.ts";
import { rawClient } from "../support/raw-client.ts";
import { createDatabase, openTemplate, serverDefaults } from "../support/test-storage.ts";

const HOUR_MS = 3_600_000;

let engine: PGlite;
let embedded: Database;
let client: ServerClient;
let server: Database;

beforeAll(async () => {
  engine = await openTemplate();
  embedded = databaseOnEngine(rawClient(engine));
  const url = await createDatabase();
  const migrated = (await openPostgresStorage({ ...serverDefaults, server: url }))._unsafeUnwrap();
  await migrated.close();
  client = serverClient({ ...serverDefaults, server: url });
  server = databaseOn(client);
});
afterAll(async () => {
  await engine.close();
  await client.end(1000);
});

rateLimiterContract("PGlite", (clock, policy) => drizzleRateLimiter(embedded, clock, policy));
rateLimiterContract("PostgreSQL", (clock, policy) => drizzleRateLimiter(server, clock, policy));

describe("drizzleRateLimiter", () => {
  const clock = testClock();
  const limiterOf = (name: string, quota = 2) => drizzleRateLimiter(server, clock, { name, quota, windowSeconds: 60 });
  const rows = async () => server.select().from(rateLimits);

  it("counts together with every limiter of the same name on the same database", async () => {
    const taken = [
      await limiterOf("shared").take("a"),
      await limiterOf("shared").take("a"),
      await limiterOf("shared").take("a"),
    ];
    expect(taken.map((quota) => quota._unsafeUnwrap().isExceeded)).toEqual([false, false, true]);
  });

  it("starts a new window if the clock was set back", async () => {
    const limiter = limiterOf("set back", 1);
    await limiter.take("a");
    clock.advance(-HOUR_MS);
    expect((await limiter.take("a"))._unsafeUnwrap()).toEqual({ isExceeded: false, remaining: 0, resetSeconds: 60 });
    clock.advance(HOUR_MS);
  });

  it("stores neither the key nor the name of the policy", async () => {
    await limiterOf("log-in").take("192.0.2.1 ada@example.org");
    const stored = JSON.stringify(await rows());
    // A digest has the letters a to f, so it may contain "ada" by chance.
    for (const secret of ["192.0.2.1", "ada@", "log-in"]) expect(stored).not.toContain(secret);
  });

  it("deletes the windows that have ended, in any number, and no other", async () => {
    const counted = limiterOf("purge");
    await server.execute(
      sql`insert into rate_limits select 'ended ' || i, 1, false, ${clock.now()} from generate_series(1, 2500) i`,
    );
    clock.advance(1);
    await counted.take("a");
    (await purgeRateLimits(server, clock.now()))._unsafeUnwrap();
    expect(JSON.stringify(await rows())).not.toContain("ended");
    expect((await counted.take("a"))._unsafeUnwrap().remaining).toBe(0);
  });

  it("fails with storage_failure when the database does not answer", async () => {
    const closed = serverClient({ ...serverDefaults, server: await createDatabase() });
    await closed.end(0);
    const limiter = drizzleRateLimiter(databaseOn(closed), clock, { name: "closed", quota: 1, windowSeconds: 60 });
    expect((await limiter.take("a"))._unsafeUnwrapErr()).toMatchObject({
      kind: "storage_failure",
      reason: "unavailable",
    });
  });
});
