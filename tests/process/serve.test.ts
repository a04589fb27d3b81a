import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { request, type IncomingMessage } from "node:http";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { openMemoryStorage } from "../../src/infrastructure/memory/memory-storage.ts";
import { copyTemplate, createDatabase, databaseUrl } from "../support/test-storage.ts";
import { serveInProcess, serveOn, tryServe, type ServerInProcess } from "./in-process.ts";

const ADMIN = { QUIRE_ADMIN_EMAIL: "root@example.org", QUIRE_ADMIN_PASSWORD: "a long password" };
const ADA = { name: "Ada", email: "ada@example.org", password: "correct horse" };

/** Each start of the tests below uses this directory, so each proves that the one before has freed it. */
let data: string;

beforeAll(async () => {
  data = await copyTemplate();
});
afterAll(async () => rm(data, { recursive: true }));

async function send(url: string, body: object): Promise<Response> {
  const headers = { "Content-Type": "application/json" };
  return fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
}

const messagesOf = ({ log }: ServerInProcess) => log.lines.map(({ message }) => message);

/** A request to create a user, whose body the server awaits. */
async function openRequest({ url }: ServerInProcess) {
  const body = JSON.stringify(ADA);
  const headers = {
    "Content-Type": "application/json",
    "Content-Length": Buffer.byteLength(body),
    Expect: "100-continue",
  };
  const opened = request(`${url}/v1/users`, { method: "POST", headers });
  opened.flushHeaders();
  await once(opened, "continue");
  return {
    statusOnceSent: async () => {
      opened.end(body);
      const [reply] = (await once(opened, "response")) as [IncomingMessage];
      reply.resume();
      return reply.statusCode;
    },
    failed: new Promise<Error>((settle) => opened.once("error", settle)),
  };
}

describe("the close of a server", () => {
  afterEach(() => void vi.useRealTimers());

  it("drains a running request, then refuses connections", async () => {
    const server = await serveInProcess(data);
    const running = await openRequest(server);
    const stopped = server.stop();
    expect(await running.statusOnceSent()).toBe(201);
    await stopped;
    await expect(fetch(`${server.url}/health/live`)).rejects.toThrow("fetch failed");
  });

  it("leaves running requests 10 s to end, then aborts them", async () => {
    const server = await serveOn(openMemoryStorage());
    const [inTime, late] = [await openRequest(server), await openRequest(server)];
    vi.useFakeTimers({ toFake: ["setTimeout"] });
    const stopped = server.stop();
    while (vi.getTimerCount() === 0) await new Promise((settle) => setImmediate(settle));
    vi.advanceTimersByTime(9999);
    expect(await inTime.statusOnceSent()).toBe(201);
    vi.advanceTimersByTime(1);
    expect(await late.failed).toMatchObject({ code: "ECONNRESET" });
    await stopped;
  });

  it("frees the directory for a start, which fails with email_taken if QUIRE_ADMIN_EMAIL is the address of an author", async () => {
    const admin = { ...ADMIN, QUIRE_ADMIN_EMAIL: ADA.email };
    expect((await tryServe(data, admin))._unsafeUnwrapErr()).toEqual({ kind: "email_taken" });
  });
});

describe("a server that serve() has started", () => {
  let server: ServerInProcess;

  beforeAll(async () => {
    const limits = { QUIRE_RATE_LIMIT_PER_MINUTE: "2", QUIRE_TRUSTED_PROXIES: "127.0.0.0/8" };
    server = await serveInProcess(data, { ...ADMIN, ...limits });
  });
  afterAll(async () => server.stop());

  const statusFor = async (path: string, client: string) =>
    (await fetch(`${server.url}${path}`, { headers: { "X-Forwarded-For": client } })).status;

  it("answers requests and has logged no warning", async () => {
    expect((await fetch(`${server.url}/health/ready`)).status).toBe(200);
    expect(messagesOf(server)).toContain("listening");
    expect(server.log.lines.filter(({ level }) => level === "warn" || level === "error")).toEqual([]);
  });

  it("has created the first admin", async () => {
    const credentials = { email: ADMIN.QUIRE_ADMIN_EMAIL, password: ADMIN.QUIRE_ADMIN_PASSWORD };
    const reply = await send(`${server.url}/v1/sessions`, credentials);
    expect(await reply.json()).toMatchObject({ user: { role: "admin" } });
  });

  it("limits requests by the client address that a trusted proxy reports", async () => {
    for (const status of [200, 200, 429]) expect(await statusFor("/v1/posts", "192.0.2.66, 198.51.100.1")).toBe(status);
    expect(await statusFor("/v1/posts", "198.51.100.2")).toBe(200);
    expect(await statusFor("/health/ready", "198.51.100.1")).toBe(200);
  });

  it("logs one line per request, with the decoded path and the client address", async () => {
    expect(await statusFor("/%1b[31m%0d%0aforged", "198.51.100.3")).toBe(404);
    expect(server.log.lines.at(-1)).toMatchObject({
      message: "request",
      fields: { path: "/\u001B[31m\r\nforged", clientAddress: "198.51.100.3", code: "route_not_found" },
    });
  });

  it("keeps its data directory: a second server fails with data_directory_in_use", async () => {
    const failure = (await tryServe(data))._unsafeUnwrapErr();
    expect(failure).toMatchObject({ kind: "data_directory_in_use", holder: { pid: process.pid } });
    expect((await fetch(`${server.url}/health/ready`)).status).toBe(200);
  });
});

describe("serve", () => {
  it("ignores X-Forwarded-For without a trusted proxy, and creates no second admin", async () => {
    const other = { ...ADMIN, QUIRE_ADMIN_EMAIL: "other@example.org" };
    const server = await serveInProcess(data, { ...other, QUIRE_RATE_LIMIT_PER_MINUTE: "1" });
    const statusFor = async (client: string) =>
      (await fetch(`${server.url}/v1/posts`, { headers: { "X-Forwarded-For": client } })).status;
    expect([await statusFor("198.51.100.1"), await statusFor("198.51.100.2")]).toEqual([200, 429]);
    expect(messagesOf(server)).not.toContain("created the first admin");
    await server.stop();
  });

  it("fails with listen_failed if the port is taken, and closes the storage", async () => {
    const other = createServer();
    await new Promise<void>((settle) => other.listen(0, "127.0.0.1", settle));
    const { port } = other.address() as AddressInfo;
    const failure = (await tryServe(data, { PORT: String(port) }))._unsafeUnwrapErr();
    expect(failure).toMatchObject({ kind: "listen_failed", host: "127.0.0.1", port });
    await new Promise((settle) => other.close(settle));
    const next = await serveInProcess(data);
    expect(next.log.lines.filter(({ level }) => level === "warn" || level === "error")).toEqual([]);
    await next.stop();
  });

  it("creates no data directory if DATABASE_URL names a PostgreSQL server", async () => {
    const absent = join(data, "absent");
    const server = await serveInProcess(absent, { DATABASE_URL: databaseUrl(await createDatabase()) });
    await server.stop();
    expect(existsSync(absent)).toBe(false);
  });

  it("fails with data_directory_foreign for a directory with other files, and writes nothing to it", async () => {
    const photos = join(data, "photos");
    await mkdir(photos);
    await writeFile(join(photos, "cat.jpg"), "meow");
    const failure = (await tryServe(photos))._unsafeUnwrapErr();
    expect(failure).toEqual({ kind: "data_directory_foreign", directory: photos, found: ["cat.jpg"] });
    expect(await readdir(photos)).toEqual(["cat.jpg"]);
  });

  it("fails with data_directory_unusable if the data directory is a file", async () => {
    const file = join(data, "file");
    await writeFile(file, "");
    expect((await tryServe(file))._unsafeUnwrapErr()).toMatchObject({ kind: "data_directory_unusable" });
  });
});
