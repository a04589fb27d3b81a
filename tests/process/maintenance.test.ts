import { once } from "node:events";
import { rm } from "node:fs/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { compare, newAuthor, newLedger, publish } from "../faults/ledger.ts";
import { copyTemplate } from "../support/test-storage.ts";
import { runCli, spawnCli, startServer, type RunningServer } from "./server.ts";

let data: string;
let server: RunningServer | null = null;

beforeEach(async () => {
  data = await copyTemplate();
});
afterEach(async () => {
  await server?.end("SIGKILL");
  server = null;
  await rm(data, { recursive: true });
});

/** Starts a server with three posts. */
async function serveWithPosts() {
  server = await startServer(data);
  const ledger = newLedger();
  const author = await newAuthor(server.url, "ada");
  for (const title of ["One", "Two", "Three"]) await publish(server.url, author, title, ledger);
  return { running: server, ledger };
}

describe("quire verify", () => {
  it("verifies the directory of a running server, which keeps serving, and prints one line for each check", async () => {
    const { running, ledger } = await serveWithPosts();
    const { exitCode, stdout, stderr } = await runCli(["verify"], { QUIRE_DATA_DIR: data });
    expect([exitCode, stderr]).toEqual([0, expect.stringContaining("checking: indexes\n")]);
    expect(stdout).toMatch(/^Verified .*: all writes before 0\/[\dA-F]+\.\n/);
    expect(stdout).toMatch(/^ok {7}posts: 3 posts satisfy the rules of the program$/m);
    expect(stdout).not.toContain("DAMAGED");
    expect(await compare(running.url, ledger)).toEqual({ lost: [], unsent: [] });
  });

  it("names the server's own tool if the database is on a PostgreSQL server", async () => {
    const { exitCode, stderr } = await runCli(["verify"], { DATABASE_URL: "postgres://db.example.org/quire" });
    expect([exitCode, stderr]).toEqual([64, expect.stringContaining("pg_amcheck --heapallindexed")]);
  });
});

describe("quire compact", () => {
  it("refuses the directory of a running server with 75, and compacts it after the stop", async () => {
    const { running } = await serveWithPosts();
    expect((await runCli(["compact"], { QUIRE_DATA_DIR: data })).exitCode).toBe(75);
    await running.end("SIGTERM");
    const { exitCode, stdout } = await runCli(["compact", "--json"], { QUIRE_DATA_DIR: data });
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ directory: data, bytesBefore: expect.any(Number) as number });
  });

  it("loses nothing when it is killed while it writes tables anew", async () => {
    const { running, ledger } = await serveWithPosts();
    await running.end("SIGTERM");
    const compacting = spawnCli(["compact"], { QUIRE_DATA_DIR: data });
    await once(compacting.process.stderr, "data");
    compacting.process.kill("SIGKILL");
    await compacting.ended;
    server = await startServer(data);
    expect(await compare(server.url, ledger)).toEqual({ lost: [], unsent: [] });
    await server.end("SIGTERM");
    server = null;
    expect((await runCli(["verify"], { QUIRE_DATA_DIR: data })).exitCode).toBe(0);
  });
});
