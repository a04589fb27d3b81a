import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import postgres from "postgres";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startServer, type RunningServer } from "../process/server.ts";
import { startReplicatedServers, type ReplicatedServers } from "../support/replicated-servers.ts";
import { compare, counts, longestPauseMs, newAuthors, newLedger, writeWith, type Ledger } from "./ledger.ts";
import { report } from "../support/rounds.ts";
import { eventually } from "./watching.ts";

const NOTHING = { lost: [], unsent: [] };
const CLIENTS = 4;

let servers: ReplicatedServers;
let directory: string;
const running: RunningServer[] = [];

beforeEach(async () => {
  servers = await startReplicatedServers({ synchronous: "on" });
  directory = await mkdtemp(join(tmpdir(), "quire-nothing-"));
  const sql = postgres(`${servers.primary.url}/postgres`, { max: 1 });
  await sql`create database quire`;
  await sql.end();
});
afterEach(async () => {
  await Promise.all(running.splice(0).map(async (server) => server.end("SIGTERM")));
  await servers.stop();
  await rm(directory, { recursive: true });
});

async function quire(): Promise<RunningServer> {
  const server = await startServer(directory, { DATABASE_URL: servers.url("quire", "target_session_attrs=primary") });
  running.push(server);
  return server;
}

/** Clients write before, during and after `fault`, until 50 more writes are acknowledged. */
async function writeThrough(server: RunningServer, fault: (ledger: Ledger) => Promise<void>): Promise<Ledger> {
  const ledger = newLedger();
  const writing = writeWith(server.url, await newAuthors(server.url, CLIENTS), ledger);
  await eventually("writes", () => ledger.acknowledged.size > 50);
  await fault(ledger);
  const before = ledger.acknowledged.size;
  await eventually("writes again", () => ledger.acknowledged.size > before + 50, 30_000);
  await writing.stop();
  return ledger;
}

describe("Quire on a primary and its standby", () => {
  it("loses no acknowledged write when the primary is killed and the standby is promoted", async () => {
    const server = await quire();
    const ledger = await writeThrough(server, async ({ refused }) => {
      await servers.primary.crash();
      // Without a primary, writes are refused immediately and do not wait.
      await eventually("refusals", () => refused.size > CLIENTS);
      const ready = await fetch(`${server.url}/health/ready`);
      expect(ready.status).toBe(503);
      await delay(1000);
      await servers.standby.promote();
    });
    report("kill -9 of the primary, its standby promoted a second later", {
      ...counts(ledger),
      "longest time without a write, ms": longestPauseMs(ledger),
    });
    expect(await compare(server.url, ledger)).toEqual(NOTHING);
    expect(new Set([...ledger.refused.values()].map(({ code }) => code))).toEqual(new Set(["storage_unavailable"]));
  });

  it("writes to the new primary after a planned switchover, and so does a process that starts later", async () => {
    const server = await quire();
    const ledger = await writeThrough(server, async () => servers.switchOver());
    report("primary shut down, standby promoted, former primary back as the standby", {
      ...counts(ledger),
      "longest time without a write, ms": longestPauseMs(ledger),
    });
    expect(await compare(server.url, ledger)).toEqual(NOTHING);
    expect([...ledger.refused.values()].filter(({ status }) => status !== 503)).toEqual([]);
    // Its URL names the standby first.
    const later = await quire();
    await newAuthors(later.url, CLIENTS, "later");
    expect(await compare(later.url, ledger)).toEqual(NOTHING);
  });
});
