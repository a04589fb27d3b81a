import { readdirSync, readFileSync, statSync, truncateSync } from "node:fs";
import { mkdtemp, realpath, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { openEmbeddedDatabase } from "../../src/infrastructure/pglite/embedded-database.ts";
import { newAuthor, newLedger, publish } from "../faults/ledger.ts";
import { copyTemplate, embeddedDefaults } from "../support/test-storage.ts";
import { startServer, type RunningServer } from "./server.ts";
import { openTranscript } from "./transcript.ts";

const PATH = fileURLToPath(new URL("../../docs/operations.md", import.meta.url));
const CLI = fileURLToPath(new URL("../../dist/cli.js", import.meta.url));
/** With UPDATE_TRANSCRIPTS=1 the document is rewritten with the current output. */
const updates = process.env["UPDATE_TRANSCRIPTS"] === "1";

/** The directory of the operator in the document. */
const DOCUMENTED_DIRECTORY = "/srv/quire";
/** Positions of the log, checksums, times, names of backups, sizes, ids, the process of the server, and the state of the disk. */
const VOLATILE =
  /0\/[\dA-F]+|(?<=checksum )\d+|\d{4}-\d\d-\d\dT[\d:.]+Z|quire-\d{8}T\d{6}Z|[\d.,]+(?= MiB|\/s)|[\da-f-]{36}|(?<=process )\d+ on \S+(?=,)|cluster\/base\/\S+ has \d+ bytes and had \d+|^(?:ok|NOTE) +(?:flush|free space):.*(?:\n {9}.*)?/gm;
/** The progress within a step, which is shown every five seconds. */
const OMITTED = /^(?:copying|checking|writing|reading) .* MiB\n|^\S+: [\d,]+ of [\d,]+ rows.*\n/gm;
const SECTIONS_TIMEOUT_MS = 600_000;

vi.setConfig({ testTimeout: SECTIONS_TIMEOUT_MS });

describe("docs/operations.md", () => {
  const sections = readFileSync(PATH, "utf8").split(/^(?=##+ )/m);
  const now = [...sections];
  let directory: string;
  let server: RunningServer | null = null;
  let transcript: ReturnType<typeof openTranscript>;
  const data = () => join(directory, "data");

  beforeAll(async () => {
    directory = await realpath(await mkdtemp(join(tmpdir(), "quire-runbook-")));
    await rename(await copyTemplate(), data());
    server = await startServer(data());
    const ledger = newLedger();
    const author = await newAuthor(server.url, "ada");
    for (const title of ["One", "Two", "Three"]) await publish(server.url, author, title, ledger);
    expect(ledger.acknowledged.size).toBe(3);
    transcript = openTranscript({
      counterparts: [[DOCUMENTED_DIRECTORY, directory]],
      varying: new RegExp(`${DOCUMENTED_DIRECTORY}|${directory}`, "g"),
      volatile: VOLATILE,
      omitted: OMITTED,
      setUp: `quire() { PORT=0 "${process.execPath}" "${CLI}" "$@"; }`,
      directory,
    });
  });

  /** The events before the commands of a section. */
  const events: Readonly<Record<string, () => Promise<void>>> = {
    "Damaged indexes": async () => {
      await server?.end("SIGTERM");
      server = null;
      const { client, close } = (
        await openEmbeddedDatabase({ ...embeddedDefaults, directory: data() })
      )._unsafeUnwrap();
      // PostgreSQL writes no entry into an index that is not ready.
      for (const statement of [
        "update pg_index set indisready = false where indexrelid = 'posts_updated_idx'::regclass",
        "update posts set updated_at = updated_at + interval '1 day' where title = 'Two'",
        "update pg_index set indisready = true where indexrelid = 'posts_updated_idx'::regclass",
      ])
        await client.query(statement);
      (await close())._unsafeUnwrap();
    },
    "Damaged files": async () => {
      const base = join(data(), "cluster", "base");
      const files = readdirSync(base, { recursive: true, encoding: "utf8" }).filter((name) => /\/\d+$/.test(name));
      const sized = files.map((name) => ({ path: join(base, name), bytes: statSync(join(base, name)).size }));
      const [largest] = sized.toSorted((a, b) => b.bytes - a.bytes);
      truncateSync(largest?.path ?? "", (largest?.bytes ?? 0) - 8192);
    },
  };

  for (const [index, section] of sections.entries()) {
    if (!section.includes("\n```console\n")) continue;
    const heading = /^#+ (.*)$/m.exec(section)?.[1] ?? "";
    it(`matches the output of the commands: ${heading}`, async () => {
      await events[heading]?.();
      now[index] = await transcript.replay(section);
      if (!updates) expect(now[index]).toBe(section);
    });
  }

  afterAll(async () => {
    transcript.leave();
    await server?.end("SIGKILL");
    await rm(directory, { recursive: true });
    if (updates) await writeFile(PATH, now.join(""));
  });
});
