import { once } from "node:events";
import { rename, rm } from "node:fs/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startServer, type RunningServer } from "../process/server.ts";
import { copyTemplate } from "../support/test-storage.ts";
import { compare, newAuthor, newLedger, publish, type Ledger } from "./ledger.ts";

let directory: string;
let server: RunningServer | null = null;
let ledger: Ledger;

beforeEach(async () => {
  directory = await copyTemplate();
  ledger = newLedger();
});

afterEach(async () => {
  await server?.end("SIGKILL");
  server = null;
  await rm(directory, { recursive: true, force: true });
});

/** Ends the server by taking its directory away, and gives what it said. */
async function endByTakingAway(takeAway: () => Promise<void>): Promise<void> {
  server = await startServer(directory);
  const author = await newAuthor(server.url, `author-${ledger.acknowledged.size}`);
  await publish(server.url, author, `before ${ledger.acknowledged.size}`, ledger);
  const ended = once(server.process, "close");
  await takeAway();
  await ended;
  const { exitCode, stderr } = await server.end("SIGKILL");
  expect(exitCode).toBe(74);
  expect(stderr).toContain(
    `The data directory ${directory} is not there any more: it was removed, renamed or unmounted while Quire ran.`,
  );
}

describe("a data directory that is taken away while it is in use", () => {
  it("ends the process with 74 and one sentence, and is whole when it is put back", async () => {
    const elsewhere = `${directory}-elsewhere`;
    await endByTakingAway(async () => rename(directory, elsewhere));
    await rename(elsewhere, directory);
    server = await startServer(directory);
    expect(await compare(server.url, ledger)).toEqual({ lost: [], unsent: [] });
  });

  it("ends the process with 74 where it was removed", async () => {
    await endByTakingAway(async () => rm(directory, { recursive: true }));
  });
});
