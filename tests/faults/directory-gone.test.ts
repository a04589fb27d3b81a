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

/** Removes the data directory of a running server, and expects that the server exits with 74 and one sentence. */
async function expectExit(removeDirectory: () => Promise<void>): Promise<void> {
  server = await startServer(directory);
  const author = await newAuthor(server.url, `author-${ledger.acknowledged.size}`);
  await publish(server.url, author, `before ${ledger.acknowledged.size}`, ledger);
  const ended = once(server.process, "close");
  await removeDirectory();
  await ended;
  const { exitCode, stderr } = await server.end("SIGKILL");
  expect(exitCode).toBe(74);
  expect(stderr).toContain(
    `The data directory ${directory} has disappeared: it was removed, renamed or unmounted while Quire was running.`,
  );
}

describe("a server whose data directory disappears", () => {
  it("exits with 74 when the directory is renamed, and loses nothing when it is put back", async () => {
    const elsewhere = `${directory}-elsewhere`;
    await expectExit(async () => rename(directory, elsewhere));
    await rename(elsewhere, directory);
    server = await startServer(directory);
    expect(await compare(server.url, ledger)).toEqual({ lost: [], unsent: [] });
  });

  it("exits with 74 when the directory is removed", async () => {
    // The server may create a file in a directory that is being emptied, which then is removed at the next attempt.
    await expectExit(async () => rm(directory, { recursive: true, force: true, maxRetries: 10 }));
  });
});
