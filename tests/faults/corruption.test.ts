import { readdirSync, statSync } from "node:fs";
import { copyFile, mkdtemp, open, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { PGlite } from "@electric-sql/pglite";
import { NodeFS } from "@electric-sql/pglite/nodefs";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { explain } from "../../src/bootstrap/process-failure.ts";
import { SCHEMA_EXTENSIONS } from "../support/quire-engine.ts";
import { readAcknowledgedPosition } from "../../src/infrastructure/pglite/directory/acknowledged-position.ts";
import { readControlFile, type ControlFile } from "../../src/infrastructure/pglite/integrity/control-file.ts";
import { markIndexCheckDue } from "../../src/infrastructure/pglite/directory/index-check-marker.ts";
import { RESERVE_FILE } from "../../src/infrastructure/pglite/directory/layout.ts";
import type { Lsn } from "../../src/infrastructure/sql/lsn.ts";
import { tryServe } from "../process/in-process.ts";
import { startServer, type RunningServer } from "../process/server.ts";
import { copyDirectory } from "../support/plain-engine.ts";
import { copyTemplate } from "../support/test-storage.ts";
import { compare, newAuthor, newLedger, publish, type Author, type Ledger } from "./ledger.ts";
import { isThorough, THOROUGH_ONLY } from "../../src/contracts/thorough.ts";
import { eventually, logOf } from "./watching.ts";

const PAGE = 8192;
/** Four posts fill a page, and none is long enough for TOAST. */
const POST_BYTES = 1800;
const POSTS = 40;
const CONTROL = "cluster/global/pg_control";
const SHARED_MAP = "cluster/global/pg_filenode.map";
const CONFIGURATION = "cluster/postgresql.conf";
const COMMITS = "cluster/pg_xact/0000";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 });

let temporary: string;
/** A data directory after a clean shutdown, and a copy of it after small writes and a SIGKILL. */
let clean: string;
let crashed: string;
/** A test copies one of the two to this directory and damages the copy. */
let directory: string;
let server: RunningServer | null = null;
let author: Author;
const ledger: Ledger = newLedger();
const ledgerOfCrashed: Ledger = newLedger();
/** The files of the relations by name, as paths in the data directory. */
let files: ReadonlyMap<string, string>;
/** The titles of the posts on each page of their table. */
let pages: ReadonlyMap<number, readonly string[]>;

beforeAll(async () => {
  temporary = await mkdtemp(join(tmpdir(), "quire-corruption-"));
  [clean, crashed, directory] = ["clean", "crashed", "copy"].map((name) => join(temporary, name)) as [
    string,
    string,
    string,
  ];
  const template = await copyTemplate();
  await copyDirectory(template, clean);
  await rm(template, { recursive: true });

  server = await startServer(clean);
  author = await newAuthor(server.url, "first");
  await server.end("SIGTERM");
  await copyDirectory(join(clean, "cluster"), join(temporary, "earlier"));

  server = await startServer(clean);
  await newAuthor(server.url, "second");
  for (let i = 0; i < POSTS; i++) await publish(server.url, author, `post ${i}`, ledger, POST_BYTES);
  // A first read sets hint bits on a page. All pages are read now, so that the hint bits are on the disk.
  await compare(server.url, ledger);
  await server.end("SIGTERM");
  await rm(join(clean, RESERVE_FILE));
  await copyDirectory(clean, crashed);

  for (const [title, post] of ledger.acknowledged) ledgerOfCrashed.acknowledged.set(title, post);
  server = await startServer(crashed);
  for (let i = 0; i < POSTS; i++) await publish(server.url, author, `later ${i}`, ledgerOfCrashed, POST_BYTES);
  await server.end("SIGKILL");
  server = null;
  await rm(join(crashed, RESERVE_FILE));
  await findFiles();
});

afterEach(async () => {
  await server?.end("SIGKILL");
  server = null;
  await rm(directory, { recursive: true, force: true });
});

afterAll(async () => rm(temporary, { recursive: true }));

async function findFiles(): Promise<void> {
  await copyDirectory(join(clean, "cluster"), join(temporary, "opened"));
  const engine = await PGlite.create({ fs: new NodeFS(join(temporary, "opened")), extensions: SCHEMA_EXTENSIONS });
  const relations = await engine.query<{ name: string; path: string }>(
    "select relname as name, pg_relation_filepath(oid) as path from pg_class where relkind in ('r', 'i') and not relisshared",
  );
  files = new Map(relations.rows.map(({ name, path }) => [name, join("cluster", path)]));
  const posts = await engine.query<{ page: number; titles: string[] }>(
    "select (ctid::text::point)[0]::int as page, array_agg(title) as titles from posts group by 1",
  );
  pages = new Map(posts.rows.map(({ page, titles }) => [page, titles]));
  await engine.close();
}

const inCopy = (path: string) => join(directory, path);
const fileOf = (relation: string) => files.get(relation) ?? "";
const mapFile = () => join(dirname(fileOf("posts")), "pg_filenode.map");
const control = () => readControlFile(inCopy("cluster")) as ControlFile;

/** The log segment that contains an LSN, and the offset of the LSN in it. */
function inLog(lsn: Lsn): readonly [path: string, at: number] {
  const segment = BigInt(control().walSegmentBytes);
  const number = (lsn / segment).toString(16).toUpperCase().padStart(16, "0");
  return [`cluster/pg_wal/00000001${number}`, Number(lsn % segment)];
}

/** Some bytes into the record of the last checkpoint. */
const checkpointInLog = () => inLog(control().checkpoint + 30n);

/** The middle between the start of the replay and the last acknowledged write. */
function middleOfLog(): readonly [path: string, at: number] {
  const end = readAcknowledgedPosition(directory) ?? 0n;
  return inLog((control().redo + end) / 2n);
}

async function flip(path: string, at: number): Promise<void> {
  const file = await open(inCopy(path), "r+");
  const { buffer } = await file.read(new Uint8Array(1), 0, 1, at);
  await file.write(new Uint8Array([(buffer[0] as number) ^ 0x10]), 0, 1, at);
  await file.close();
}

/** Writes zeros over a part of a file, by default up to its end. */
async function zero(path: string, at = 0, bytes = statSync(inCopy(path)).size - at): Promise<void> {
  const file = await open(inCopy(path), "r+");
  await file.write(new Uint8Array(bytes), 0, bytes, at);
  await file.close();
}

const cutAt = async (path: string, at: number) => truncate(inCopy(path), at);

async function cut(path: string, bytes: number): Promise<void> {
  await truncate(inCopy(path), statSync(inCopy(path)).size - bytes);
}

const remove = async (path: string) => rm(inCopy(path));
const overwrite = async (path: string, text: string) => writeFile(inCopy(path), text);
/** Restores a file of the cluster to its state at an earlier shutdown. */
const takeBack = async (path: string) =>
  copyFile(join(temporary, "earlier", path.slice("cluster/".length)), inCopy(path));

/** The files that PostgreSQL itself writes at a start, even at one that fails. */
const WRITTEN_BY_A_START =
  /postmaster\.\w+$|pg_internal\.init$|pg_control$|\/pg_(?:wal|xact|subtrans|multixact|logical|stat)\//;

/** The inode, size and time of every file, except the lock and, after a start, the files that PostgreSQL writes. */
function stateOfFiles(hasStarted: boolean): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (!entry.isFile() || entry.name === "quire.lock" || (hasStarted && WRITTEN_BY_A_START.test(path))) continue;
    const { ino, size, mtimeNs } = statSync(path, { bigint: true });
    found.set(path, `${ino}, ${size} bytes, ${mtimeNs}`);
  }
  return found;
}

/** The error output of a server that does not start. */
async function refusal(): Promise<string> {
  try {
    server = await startServer(directory);
    return "The server starts.";
  } catch (thrown) {
    return String(thrown);
  }
}

/** The same error output of a server in this process, which starts in a tenth of the time. */
async function refusalInProcess(): Promise<string> {
  const started = await tryServe(directory);
  if (started.isErr()) {
    const { exitCode, message } = explain(started.error);
    return `The server ended with ${exitCode}: ${message}`;
  }
  await started.value.stop();
  return "The server starts.";
}

/** A kind of damage, the directory that gets it, and the message before the server listens. */
type Row = readonly [title: string, base: "clean" | "crashed", damage: () => Promise<void>, message: string];

const LOG_ENDS = "the write-ahead log is readable up to";

/** Quire finds this damage in the files, and opens no engine. */
const FOUND_IN_FILES: readonly Row[] = [
  ["the control file is missing", "clean", async () => remove(CONTROL), `${CONTROL} is missing`],
  ["the control file is all zeros", "clean", async () => zero(CONTROL), `${CONTROL} cannot be read`],
  ["a bit of the control file is flipped", "clean", async () => flip(CONTROL, 40), `${CONTROL} cannot be read`],
  ["the control file is cut off", "clean", async () => cutAt(CONTROL, 100), `${CONTROL} cannot be read`],
  ["the control file is from an earlier shutdown", "clean", async () => takeBack(CONTROL), LOG_ENDS],
  ["the log segment is missing after a crash", "crashed", async () => remove(middleOfLog()[0]), LOG_ENDS],
  ["the log is cut off after a crash", "crashed", async () => cutAt(...middleOfLog()), LOG_ENDS],
  ["the log ends in zeros after a crash", "crashed", async () => zero(...middleOfLog()), LOG_ENDS],
  ["a bit of the log is flipped after a crash", "crashed", async () => flip(...middleOfLog()), "are lost"],
  ["a bit of the last checkpoint record is flipped", "clean", async () => flip(...checkpointInLog()), LOG_ENDS],
  ["the log segment is missing after a clean shutdown", "clean", async () => remove(checkpointInLog()[0]), LOG_ENDS],
  ["the file of a table is missing", "clean", async () => remove(fileOf("posts")), "is missing"],
  ["the file of a table is missing after a crash", "crashed", async () => remove(fileOf("posts")), "is missing"],
  ["a table lacks its last page", "clean", async () => cut(fileOf("posts"), PAGE), "at the last checkpoint"],
  ["the file of a table is empty", "clean", async () => cutAt(fileOf("posts"), 0), "has 0 bytes and had"],
  ["an index is cut off", "clean", async () => cut(fileOf("posts_pkey"), 1), "at the last checkpoint"],
  ["PG_VERSION is missing", "clean", async () => remove("cluster/PG_VERSION"), "PG_VERSION is missing"],
  ["the transaction status file is cut off", "clean", async () => cut(COMMITS, PAGE), `${COMMITS} has 0 bytes`],
  ["the transaction status file is all zeros", "clean", async () => zero(COMMITS), `${COMMITS} cannot be read`],
  ["quire.json is damaged", "clean", async () => overwrite("quire.json", "{"), "quire.json cannot be read"],
  ["quire.files.json is damaged", "clean", async () => overwrite("quire.files.json", "{"), "files.json cannot be"],
];

/** PostgreSQL reports this damage when it opens the cluster. */
const FOUND_BY_POSTGRESQL: readonly Row[] = [
  [
    "a bit of the relation map of a database is flipped",
    "clean",
    async () => flip(mapFile(), 20),
    "incorrect checksum",
  ],
  ["the shared relation map is all zeros", "clean", async () => zero(SHARED_MAP), "contains invalid data"],
  ["postgresql.conf is garbage", "clean", async () => overwrite(CONFIGURATION, "?!\n"), "contains errors"],
];

describe("a server on a damaged data directory", () => {
  const refuses = async ([, base, damage, message]: Row, exitCode: number, start = refusal): Promise<string> => {
    await copyDirectory(base === "clean" ? clean : crashed, directory);
    await damage();
    const before = stateOfFiles(exitCode === 74);
    const output = await start();
    expect(output).toContain(`The server ended with ${exitCode}: `);
    expect(output).toContain(message);
    expect(stateOfFiles(exitCode === 74)).toEqual(before);
    return output;
  };

  it.each(FOUND_IN_FILES)("does not start, with exit code 65, when %s", async (...row) => {
    await refuses(row, 65, refusalInProcess);
  });

  it.each(FOUND_BY_POSTGRESQL)("exits with 74 and the last log lines of PostgreSQL when %s", async (...row) => {
    const output = await refuses(row, 74);
    expect(output).toMatch(/Its last log lines:\n(?: {2}.*\n)+$/);
  });

  const refusesTwice = async () => {
    for (let start = 0; start < 2; start++) {
      const output = await refusal();
      expect(output).toContain("The server ended with 65: ");
      expect(output).toMatch(/the index \S+ does not match its table/);
    }
  };

  it.each([
    { title: "an index is restored to an older state", damage: async () => takeBack(fileOf("users_email_key_unique")) },
    { title: "a bit of a table is flipped", damage: async () => flip(fileOf("posts"), PAGE + 4000) },
  ])("exits with 65 at every start after a crash when $title", async ({ damage }) => {
    await copyDirectory(crashed, directory);
    await damage();
    await refusesTwice();
  });

  it("exits with 65 at every start with an index check due when a bit of the search index is flipped", async () => {
    // Without a crash: the replay would restore each page of the index that the server filled before it.
    await copyDirectory(clean, directory);
    await markIndexCheckDue(directory);
    await flip(fileOf("post_search_terms_idx"), PAGE + 4000);
    await refusesTwice();
  });

  it("exits with 74 after a crash when a bit of a catalog that the index check reads is flipped", async () => {
    await copyDirectory(crashed, directory);
    await flip(fileOf("pg_extension"), 4000);
    const output = await refusal();
    expect(output).toContain("The server ended with 74: ");
    expect(output).toContain("its indexes cannot be checked (invalid page in block 0");
  });

  it("starts after a crash and loses nothing when only the files that reveal damage are damaged", async () => {
    await copyDirectory(crashed, directory);
    await overwrite("quire.acknowledged", "?!");
    await remove("quire.files.json");
    await remove("quire.json");
    // A power cut can leave this file empty. Only Quire's own lock decides which process has the directory.
    await overwrite("cluster/postmaster.pid", "");
    server = await startServer(directory);
    expect(await compare(server.url, ledgerOfCrashed)).toEqual({ lost: [], unsent: [] });
  });
});

async function ask(
  path: string,
  options: RequestInit = {},
): Promise<{ readonly status: number; readonly code: unknown }> {
  const response = await fetch(`${server?.url}${path}`, options);
  const { code } = (await response.json()) as { code?: unknown };
  return { status: response.status, code };
}

const CORRUPT = { status: 500, code: "storage_corrupt" };
const OK = { status: 200, code: undefined };

/** Starts on the clean directory with a damage that only a read reveals. */
async function startOnDamaged(damage: () => Promise<void>): Promise<RunningServer> {
  await copyDirectory(clean, directory);
  await damage();
  server = await startServer(directory);
  return server;
}

/** After the first error the server is not ready, rejects writes, and has logged the damage once. */
async function expectReadOnly(damaged: RunningServer): Promise<void> {
  // The readiness check is cached for a moment.
  await eventually("the server is not ready", async () => (await ask("/health/ready")).status !== OK.status);
  expect(await ask("/health/ready")).toEqual(CORRUPT);
  expect((await ask("/health/live")).status).toBe(200);
  const body = JSON.stringify({ title: "refused", content: "…", status: "published" });
  const headers = { "Content-Type": "application/json", Authorization: `Bearer ${author.token}` };
  expect(await ask("/v1/posts", { method: "POST", headers, body })).toEqual(CORRUPT);
  const damageLines = () => logOf(damaged).filter(({ msg }) => msg.startsWith("database damaged"));
  await eventually("the damage is logged", () => damageLines().length > 0);
  expect(damageLines()).toMatchObject([{ level: "error", sqlState: expect.stringMatching(/^XX00[12]$/) }]);
}

describe("a running server that finds damage", () => {
  it("answers 500 for the posts on a page with a flipped bit, and serves the other posts", async () => {
    const damaged = await startOnDamaged(async () => flip(fileOf("posts"), PAGE + 4000));
    expect(await ask("/health/ready")).toEqual(OK);
    const idsOn = (page: number) => (pages.get(page) ?? []).map((title) => ledger.acknowledged.get(title)?.id);
    expect(pages.size).toBeGreaterThan(5);
    for (const id of idsOn(1)) expect(await ask(`/v1/posts/${id}`)).toEqual(CORRUPT);
    for (const page of [0, 2, 3]) for (const id of idsOn(page)) expect(await ask(`/v1/posts/${id}`)).toEqual(OK);
    expect(await ask(`/v1/users/${author.id}`, { headers: { Authorization: `Bearer ${author.token}` } })).toEqual(OK);
    await expectReadOnly(damaged);
  });

  it.each([
    { title: "a bit is flipped", damage: async () => flip(fileOf("posts_pkey"), PAGE + 4000) },
    { title: "a page is all zeros", damage: async () => zero(fileOf("posts_pkey"), PAGE, PAGE) },
  ])("answers 500 for lookups in an index in which $title, and serves other reads", async ({ damage }) => {
    const damaged = await startOnDamaged(damage);
    const id = ledger.acknowledged.get("post 0")?.id;
    expect(await ask(`/v1/posts/${id}`)).toEqual(CORRUPT);
    expect(await ask(`/v1/users/${author.id}`, { headers: { Authorization: `Bearer ${author.token}` } })).toEqual(OK);
    await expectReadOnly(damaged);
  });
});

/** Damage that PostgreSQL and Quire cannot detect. If a check learns to detect one, move it to the tables above. */
describe("damage that no check detects", () => {
  beforeEach(({ skip }) => skip(!isThorough, THOROUGH_ONLY));

  it("removes the rows of a zeroed table page, because PostgreSQL takes it for a new page", async () => {
    await startOnDamaged(async () => zero(fileOf("posts"), PAGE, PAGE));
    const { lost } = await compare(server?.url ?? "", ledger);
    expect(lost.toSorted()).toEqual(pages.get(1)?.toSorted());
  });

  it("hides rows when an index is restored to an older state after a clean shutdown", async () => {
    await startOnDamaged(async () => takeBack(fileOf("users_email_key_unique")));
    await expect(newAuthor(server?.url ?? "", "first")).rejects.toThrow("409");
    // This user was registered before, so there are two with the same address now.
    await expect(newAuthor(server?.url ?? "", "second")).resolves.toBeDefined();
  });

  it("removes the writes after a damaged log record when quire.acknowledged is missing after a crash", async () => {
    await copyDirectory(crashed, directory);
    await flip(...middleOfLog());
    await remove("quire.acknowledged");
    server = await startServer(directory);
    const { lost } = await compare(server.url, ledgerOfCrashed);
    expect(lost.length).toBeGreaterThan(0);
    // The message about this damage recommends this to an operator who has no backup.
    await publish(server.url, author, "after", ledgerOfCrashed);
    expect(ledgerOfCrashed.acknowledged.has("after")).toBe(true);
  });
});
