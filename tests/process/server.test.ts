import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { runCli, runServer, spawnServer, startServer, startWithNpm, type RunningServer } from "./server.ts";

let directory: string;
let data: string;
let server: RunningServer | null = null;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "quire-process-"));
  data = join(directory, "data");
});

afterEach(async () => {
  await server?.end("SIGKILL");
  server = null;
});

afterAll(async () => rm(directory, { recursive: true }));

const ADA = { name: "Ada", email: "ada@example.org", password: "correct horse" };

async function send(path: string, body: object, token = ""): Promise<Response> {
  return fetch(`${server?.url}${path}`, {
    method: "POST",
    headers: { "Content-Type": "application/json", ...(token === "" ? {} : { Authorization: `Bearer ${token}` }) },
    body: JSON.stringify(body),
  });
}

interface LoggedIn {
  readonly token: string;
  readonly user: { readonly id: string; readonly role: string };
}

async function logIn(credentials: { readonly email: string; readonly password: string }): Promise<LoggedIn> {
  const { email, password } = credentials;
  const response = await send("/v1/sessions", { email, password });
  expect(response.status).toBe(201);
  return (await response.json()) as LoggedIn;
}

describe("the built server", () => {
  it("keeps all that it answered over a SIGKILL", async () => {
    server = await startServer(data);
    expect((await send("/v1/users", ADA)).status).toBe(201);
    const { token } = await logIn(ADA);
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

  it("counts requests by the address that they come from, and believes a trusted proxy about it", async () => {
    server = await startServer(data, { QUIRE_RATE_LIMIT_PER_MINUTE: "2", QUIRE_TRUSTED_PROXIES: "127.0.0.0/8" });
    const { url } = server;
    const statusFor = async (path: string, client?: string) =>
      (await fetch(`${url}${path}`, { headers: client === undefined ? {} : { "X-Forwarded-For": client } })).status;
    for (const status of [200, 200, 429]) expect(await statusFor("/v1/posts", "192.0.2.66, 198.51.100.1")).toBe(status);
    expect(await statusFor("/v1/posts", "198.51.100.2")).toBe(200);
    for (const status of [200, 200, 429]) expect(await statusFor("/v1/posts")).toBe(status);
    expect(await statusFor("/health/ready")).toBe(200);
    await server.end("SIGTERM");

    server = await startServer(data, { QUIRE_RATE_LIMIT_PER_MINUTE: "1" });
    const posts = `${server.url}/v1/posts`;
    const pretending = async (client: string) => fetch(posts, { headers: { "X-Forwarded-For": client } });
    expect((await pretending("198.51.100.1")).status).toBe(200);
    expect((await pretending("198.51.100.2")).status).toBe(429);
  });

  it("says on standard output where it listens, has its data and is documented, and writes only JSON lines beside it", async () => {
    server = await startServer(data);
    await fetch(`${server.url}/v1/posts`);
    const { stdout, stderr } = await server.end("SIGTERM");
    expect(stdout).toBe(
      `Quire listens on ${server.url}, with its data in ${data} (process ${server.process.pid})\nIts API is documented at ${server.url}/docs\n`,
    );
    const lines = stderr.trimEnd().split("\n");
    expect(lines.map((line) => (JSON.parse(line) as { msg: string }).msg)).toEqual([
      // The server before was killed.
      "unclean shutdown: write-ahead log replayed, indexes checked",
      "listening",
      "request",
      "stopping",
      "stopped",
    ]);
  });

  it.each(["SIGTERM", "SIGINT"] as const)("answers what runs when %s comes, and exits with 0", async (signal) => {
    server = await startServer(data);
    const running = send("/v1/users", { ...ADA, email: `${signal}@example.org` });
    // Hashing the password takes the server longer than the signal takes to arrive.
    await new Promise((settle) => setImmediate(settle));
    await fetch(`${server.url}/health/live`);
    const ended = server.end(signal);
    expect((await running).status).toBe(201);
    expect((await ended).exitCode).toBe(0);
  });

  it("ends at once by a SIGTERM that comes before it serves, and starts again", async () => {
    const starting = spawnServer(data);
    // The first that it does is to write into the lock that it is its own.
    const holder = `"pid":${starting.process.pid},`;
    await expect.poll(async () => readFile(join(data, "quire.lock"), "utf8"), { timeout: 20_000 }).toContain(holder);
    starting.process.kill("SIGTERM");
    expect((await starting.ended).exitCode).toBe(143);
    server = await startServer(data);
    expect((await fetch(`${server.url}/health/ready`)).status).toBe(200);
  });

  it("refuses a data directory that another process has, and says whose it is", async () => {
    server = await startServer(data);
    const { exitCode, stderr } = await runServer({ QUIRE_DATA_DIR: data });
    expect(exitCode).toBe(75);
    expect(stderr).toContain(`in use by process ${server.process.pid} on `);
    expect((await fetch(`${server.url}/health/ready`)).status).toBe(200);
  });

  it("names each wrong variable at once and exits with 78", async () => {
    const { exitCode, stdout, stderr } = await runServer({
      PORT: "http",
      QUIRE_LOG_LEVEL: "loud",
      QUIRE_ADMIN_EMAIL: "root@example.org",
      DATABASE_URL: "mysql://localhost/quire",
    });
    expect(exitCode).toBe(78);
    expect(stdout).toBe("");
    for (const variable of ["PORT", "QUIRE_LOG_LEVEL", "DATABASE_URL"]) expect(stderr).toContain(`  ${variable} `);
  });

  it("leaves a directory alone that holds something else", async () => {
    const photos = join(directory, "photos");
    await mkdir(photos);
    await writeFile(join(photos, "cat.jpg"), "meow");
    const { exitCode, stderr } = await runServer({ QUIRE_DATA_DIR: photos });
    expect(exitCode).toBe(73);
    expect(stderr).toContain("holds something else (cat.jpg)");
    expect(await readdir(photos)).toEqual(["cat.jpg"]);
  });

  it("lets nobody but its owner into the data directory", async () => {
    expect(existsSync(data)).toBe(true);
    expect((await stat(data)).mode & 0o777).toBe(0o700);
  });
});

describe("npm start", () => {
  it("hands a SIGTERM on to the server, which leaves neither a process nor a lock behind", async () => {
    server = await startWithNpm(data);
    const { stderr } = await server.end("SIGTERM");
    expect(stderr).toContain('"msg":"stopped"');
    server = await startServer(data);
    expect((await fetch(`${server.url}/health/ready`)).status).toBe(200);
  });
});

describe("the first admin", () => {
  it("is made at a start that finds none, and once", async () => {
    const admin = { QUIRE_ADMIN_EMAIL: "root@example.org", QUIRE_ADMIN_PASSWORD: "a long password" };
    server = await startServer(data, admin);
    await server.end("SIGTERM");
    server = await startServer(data, { ...admin, QUIRE_ADMIN_EMAIL: "other@example.org" });
    expect((await logIn({ email: "root@example.org", password: "a long password" })).user.role).toBe("admin");
    const response = await send("/v1/sessions", { email: "other@example.org", password: "a long password" });
    expect(response.status).toBe(401);
  });

  it("can be made on the command line while no server runs", async () => {
    const options = ["user", "create", "--role", "admin", "--name", "Grace", "--email", "grace@example.org"];
    const created = await runCli([...options, "--password-stdin"], { QUIRE_DATA_DIR: data }, "a long password\n");
    expect(created).toMatchObject({ exitCode: 0, stderr: "" });
    expect(created.stdout).toMatch(/^Created the admin grace@example.org with the id [0-9a-f-]{36} in \S+\.\n$/);
    expect(created.stdout).toContain(` in ${data}.`);
    server = await startServer(data);
    expect((await logIn({ email: "grace@example.org", password: "a long password" })).user.role).toBe("admin");
  });
});

describe("the command line", () => {
  it("says what is missing where there is no terminal to ask on", async () => {
    const { exitCode, stderr } = await runCli(["user", "create", "--role", "admin"], { QUIRE_DATA_DIR: data });
    expect(exitCode).toBe(64);
    expect(stderr).toContain("give also: --email, --name, --password-stdin");
  });

  it("refuses the data directory of a running server", async () => {
    server = await startServer(data);
    const options = ["user", "create", "--name", "Grace", "--email", "g@example.org", "--password-stdin"];
    const { exitCode, stderr } = await runCli(options, { QUIRE_DATA_DIR: data }, "a long password");
    expect(exitCode).toBe(75);
    expect(stderr).toContain("Stop that process");
  });

  it.each([
    ["an unknown role", ["user", "create", "--role", "boss"], "Allowed choices are author, admin"],
    ["an unknown command", ["post"], "unknown command"],
    ["an unknown option", ["user", "create", "--admin"], "unknown option"],
  ])("refuses %s with 64", async (_, options, message) => {
    const { exitCode, stderr } = await runCli(options, { QUIRE_DATA_DIR: data });
    expect(exitCode).toBe(64);
    expect(stderr).toContain(message);
  });

  it("refuses a password that is too short, and creates nobody", async () => {
    const options = ["user", "create", "--name", "Eve", "--email", "eve@example.org", "--password-stdin"];
    const { exitCode, stderr } = await runCli(options, { QUIRE_DATA_DIR: data }, "short");
    expect(exitCode).toBe(64);
    expect(stderr).toBe("The password is not accepted. This must have at least 8 characters.\n");
  });
});
