import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CLUSTER } from "../../../src/infrastructure/pglite/directory/layout.ts";
import { copyTemplate, createDatabase, databaseUrl } from "../../support/test-storage.ts";
import { runProgram, runServer, SERVER, startProgram, startServer, type RunningServer } from "../server.ts";
import { BUN, DENO, NO_PROGRAM } from "./programs.ts";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
/** The permissions that docs/deployment.md names. */
const PERMISSIONS = ["net", "read", "write", "env", "sys", "ffi"].map((name) => `--allow-${name}`);

const RUNTIMES: readonly (readonly [name: string, program: string | null, options: readonly string[]])[] = [
  ["Bun", BUN, []],
  ["Deno", DENO, ["run", "--no-prompt", ...PERMISSIONS]],
];

const ADA = { name: "Ada", email: "ada@example.org", password: "correct horse" };
/** Random posts of 1 MB each, which PostgreSQL cannot compress: more than a file of the write-ahead log, which has 16 MiB. */
const MAX_POSTS = 40;
const POST_BYTES = 750_000;

const started: RunningServer[] = [];
/** A test starts the server up to three times, and creates a database. */
const TIMEOUT_MS = 180_000;
let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "quire-runtime-"));
});
afterEach(async () => {
  // After a failed test a server still runs.
  for (const { process } of started.splice(0)) process.kill("SIGKILL");
  await rm(directory, { recursive: true });
});

const data = () => join(directory, "data");

function environment(settings: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> {
  return { DENO_DIR: join(directory, "deno"), DENO_NO_UPDATE_CHECK: "1", QUIRE_ACCOUNT_QUOTA_MIB: "0", ...settings };
}

async function send({ url }: RunningServer, path: string, body: object, token = ""): Promise<unknown> {
  const headers = { "Content-Type": "application/json", ...(token === "" ? {} : { Authorization: `Bearer ${token}` }) };
  const response = await fetch(`${url}/v1/${path}`, { method: "POST", headers, body: JSON.stringify(body) });
  expect([path, response.status]).toEqual([path, 201]);
  return response.json();
}

/** Registers a user and opens a session, which runs Argon2id twice. */
async function logIn(server: RunningServer): Promise<string> {
  await send(server, "users", ADA);
  const { email, password } = ADA;
  return ((await send(server, "sessions", { email, password })) as { readonly token: string }).token;
}

async function titles({ url }: RunningServer, token: string): Promise<readonly string[]> {
  const response = await fetch(`${url}/v1/posts`, {
    headers: { Authorization: `Bearer ${token}` },
  });
  const { items } = (await response.json()) as { readonly items: readonly { readonly title: string }[] };
  return items.map(({ title }) => title);
}

const problems = ({ stderr }: { readonly stderr: string }) =>
  stderr.split("\n").filter((line) => line !== "" && !line.startsWith('{"level":"info"'));
const RECOVERED = '"msg":"unclean shutdown: write-ahead log replayed, indexes checked"';

describe.each(RUNTIMES)("the built server in %s", { timeout: TIMEOUT_MS }, (_, program, options) => {
  const words = [program ?? "", ...options, SERVER] as const;
  const start = async (settings = {}) => {
    const server = await startProgram(words, ROOT, data(), environment(settings));
    started.push(server);
    return server;
  };
  const why = program === null ? NO_PROGRAM : "";

  it.skipIf(program === null)(`recovers after SIGKILL, and shuts down cleanly after SIGTERM${why}`, async () => {
    const first = await start();
    const token = await logIn(first);
    await send(first, "posts", { title: "Hello", content: "First words." }, token);
    await first.end("SIGKILL");

    const second = await start();
    expect(await titles(second, token)).toEqual(["Hello"]);
    const stopped = await second.end("SIGTERM");
    expect([stopped.exitCode, problems(stopped)]).toEqual([0, []]);
    expect(stopped.stderr).toContain(RECOVERED);

    const third = await start();
    expect(await titles(third, token)).toEqual(["Hello"]);
    const again = await third.end("SIGTERM");
    expect([again.exitCode, problems(again)]).toEqual([0, []]);
    expect(again.stderr).not.toContain(RECOVERED);
  });

  it.skipIf(program === null)(`excludes every second opener with 75, in Node too${why}`, async () => {
    await rename(await copyTemplate(), data());
    const inUse = ({ pid }: RunningServer["process"]) =>
      new RegExp(
        `^The data directory ${data()} is in use by process ${pid} on .+ Stop that process, or set QUIRE_DATA_DIR`,
      );
    const first = await start();
    const openers = [await runProgram(words, ROOT, data(), environment()), await runServer({ QUIRE_DATA_DIR: data() })];
    for (const ended of openers) {
      expect(ended.stderr).toMatch(inUse(first.process));
      expect(ended.exitCode).toBe(75);
    }
    await first.end("SIGTERM");

    const node = await startServer(data());
    started.push(node);
    const refused = await runProgram(words, ROOT, data(), environment());
    expect(refused.stderr).toMatch(inUse(node.process));
    expect(refused.exitCode).toBe(75);
    await node.end("SIGTERM");
  });

  it.skipIf(program === null)(`ends with 74 when PostgreSQL fails, and loses no acknowledged post${why}`, async () => {
    await rename(await copyTemplate(), data());
    const first = await start();
    const token = await logIn(first);
    const ended = once(first.process, "close");
    const log = join(data(), CLUSTER, "pg_wal");
    await rename(log, `${log}.away`);
    const written: string[] = [];
    for (let post = 0; post < MAX_POSTS && first.process.exitCode === null; post++) {
      const body = { title: `${post}`, content: randomBytes(POST_BYTES).toString("base64") };
      const response = await send(first, "posts", body, token).catch(() => null);
      if (response !== null) written.push((response as { readonly id: string }).id);
    }
    await ended;
    expect(first.process.exitCode, first.logged()).toBe(74);
    expect(first.logged()).toContain("PostgreSQL failed once and is not restarted again: ");

    await rename(`${log}.away`, log);
    const second = await start();
    expect(written).not.toEqual([]);
    for (const id of written) {
      const found = await fetch(`${second.url}/v1/posts/${id}`, { headers: { Authorization: `Bearer ${token}` } });
      expect([id, found.status]).toEqual([id, 200]);
    }
    await second.end("SIGTERM");
  });

  it.skipIf(program === null)(`serves a database on a PostgreSQL server${why}`, async () => {
    const settings = { DATABASE_URL: databaseUrl(await createDatabase()) };
    const first = await start(settings);
    const token = await logIn(first);
    await send(first, "posts", { title: "Hello", content: "First words." }, token);
    await first.end("SIGKILL");
    const second = await start(settings);
    expect(await titles(second, token)).toEqual(["Hello"]);
    const stopped = await second.end("SIGTERM");
    expect([stopped.exitCode, problems(stopped)]).toEqual([0, []]);
  });
});

it.skipIf(DENO === null)(
  `names the permissions that Deno refuses, and exits with 78${DENO === null ? NO_PROGRAM : ""}`,
  async () => {
    const ended = await runProgram([DENO ?? "", "run", "--no-prompt", SERVER], ROOT, data(), environment());
    expect(ended.stderr).toMatch(/^Deno refused: Requires .+ access/);
    expect(ended.stderr).toContain(`Start Quire with: deno run ${PERMISSIONS.join(" ")}`);
    expect(ended.exitCode).toBe(78);
  },
);
