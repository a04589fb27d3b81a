import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { copyTemplate } from "../support/test-storage.ts";
import { runCli, runServer, spawnServer, startServer, startWithNpm, type RunningServer } from "./server.ts";

let data: string;
let server: RunningServer | null = null;

beforeAll(async () => {
  data = await copyTemplate();
});

afterEach(async () => {
  await server?.end("SIGKILL");
  server = null;
});

afterAll(async () => rm(data, { recursive: true }));

/** A crash recovery checks every index, which takes a while on a busy machine. */
const CRASH_TIMEOUT_MS = 240_000;

const ADA = { name: "Ada", email: "ada@example.org", password: "correct horse" };

async function send(path: string, body: object, token = ""): Promise<Response> {
  return fetch(`${server?.url}${path}`, {
    method: "POST",
    headers: { "Content-Type": "application/json", ...(token === "" ? {} : { Authorization: `Bearer ${token}` }) },
    body: JSON.stringify(body),
  });
}

describe("the server process", () => {
  it("keeps every acknowledged write after a SIGKILL", { timeout: CRASH_TIMEOUT_MS }, async () => {
    server = await startServer(data);
    expect((await send("/v1/users", ADA)).status).toBe(201);
    const session = await send("/v1/sessions", { email: ADA.email, password: ADA.password });
    const { token } = (await session.json()) as { readonly token: string };
    const written: string[] = [];
    for (let i = 0; i < 20; i++) {
      const response = await send("/v1/posts", { title: `Post ${i}`, content: "…", status: "published" }, token);
      written.unshift(((await response.json()) as { id: string }).id);
    }
    await server.end("SIGKILL");

    server = await startServer(data);
    const response = await fetch(`${server.url}/v1/posts?limit=100`);
    const { items } = (await response.json()) as { items: { id: string }[] };
    expect(items.map(({ id }) => id)).toEqual(written);
    expect((await send("/v1/posts", { title: "One more", content: "…" }, token)).status).toBe(201);
  });

  it("writes its URL, its data directory and its documentation to standard output, and JSON lines to standard error", async () => {
    server = await startServer(data);
    await fetch(`${server.url}/v1/posts`);
    const { stdout, stderr, exitCode } = await server.end("SIGINT");
    expect(stdout).toBe(
      `Quire listens on ${server.url}, with its data in ${data} (process ${server.process.pid})\nIts API is documented at ${server.url}/docs\n`,
    );
    const lines = stderr.trimEnd().split("\n");
    const messages = lines.map((line) => (JSON.parse(line) as { msg: string }).msg);
    // The server of the test before was killed, so other lines are about its crash recovery and the search index.
    const steps = ["listening", "request", "stopping", "stopped"];
    expect(messages.filter((message) => steps.includes(message))).toEqual(steps);
    expect(exitCode).toBe(0);
  });

  it("writes the public URL of its documentation if it is behind a proxy", async () => {
    server = await startServer(data, { QUIRE_PUBLIC_URL: "https://example.org/blog" });
    const { stdout } = await server.end("SIGTERM");
    expect(stdout).toContain("\nIts API is documented at https://example.org/blog/docs\n");
  });

  it("drains a running request at SIGTERM, and exits with 0", async () => {
    server = await startServer(data);
    const running = send("/v1/users", { ...ADA, email: "late@example.org" });
    // Hashing the password takes longer than the delivery of the signal.
    await new Promise((settle) => setImmediate(settle));
    await fetch(`${server.url}/health/live`);
    const ended = server.end("SIGTERM");
    expect((await running).status).toBe(201);
    expect((await ended).exitCode).toBe(0);
  });

  it("ends immediately with 143 at a SIGTERM during the start, and starts again", async () => {
    const starting = spawnServer(data);
    // Its first step is to write its process id into the lock file.
    const holder = `"pid":${starting.process.pid},`;
    await expect.poll(async () => readFile(join(data, "quire.lock"), "utf8"), { timeout: 20_000 }).toContain(holder);
    starting.process.kill("SIGTERM");
    expect((await starting.ended).exitCode).toBe(143);
    server = await startServer(data);
    expect((await fetch(`${server.url}/health/ready`)).status).toBe(200);
  });

  it("exits with 75 if another process has the data directory, and so does the command line", async () => {
    server = await startServer(data);
    const { exitCode, stderr } = await runServer({ QUIRE_DATA_DIR: data });
    expect([exitCode, stderr]).toEqual([75, expect.stringContaining(`in use by process ${server.process.pid} on `)]);
    const command = await runCli(["user", "list"], { QUIRE_DATA_DIR: data });
    expect([command.exitCode, command.stderr]).toEqual([75, expect.stringContaining("Stop that process")]);
  });
});

describe("npm start", () => {
  it("forwards SIGTERM to the server, which shuts down gracefully", async () => {
    server = await startWithNpm(data);
    const { stderr } = await server.end("SIGTERM");
    expect(stderr).toContain('"msg":"stopped"');
  });
});
