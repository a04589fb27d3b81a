import { once } from "node:events";
import type { Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, describe, expect, it, vi } from "vitest";
import { SECURE_HEADERS } from "../../../src/interfaces/http/openapi/headers.ts";
import { countedHosts, proxyList, requestAddress } from "../../../src/interfaces/node/client-address.ts";
import { DEFAULT_LIMITS } from "../../../src/interfaces/node/limits.ts";
import { loadShedding } from "../../../src/interfaces/node/load-shedding.ts";
import { recordingLog } from "../../../src/testing/fixtures.ts";
import {
  closeOf,
  closeServers,
  dial,
  heldFetch,
  parseAnswer,
  readToEnd,
  readUntil,
  serve,
  type Fetch,
} from "../../support/raw-http.ts";

const { maxRunning: MAX_RUNNING, maxRequestsPerAddress: MAX_PER_ADDRESS } = DEFAULT_LIMITS;
const get = (target: string) => `GET ${target} HTTP/1.1\r\nHost: x\r\n\r\n`;
const GET = get("/");
const MIB = 1_048_576;

afterEach(async () => {
  vi.useRealTimers();
  await closeServers();
});

/** One connection from each of several addresses. */
const dialFrom = async (port: number, addresses: number): Promise<Socket[]> =>
  Promise.all(Array.from({ length: addresses }, async (_, index) => dial(port, { from: `127.0.1.${index + 1}` })));

/** The answer to one request on a new connection from an address. */
async function send(port: number, from: string, request = GET) {
  const socket = await dial(port, { from });
  socket.write(request);
  const answer = parseAnswer(await readUntil(socket, "\r\n\r\n"));
  socket.destroy();
  return answer;
}

const statusOf = async (port: number, from: string, request = GET): Promise<number> =>
  Number((await send(port, from, request)).statusLine.split(" ")[1]);

/** Fills the server with requests of several addresses, each within its share. */
async function fill(port: number, count: () => number): Promise<Socket[]> {
  const sockets = await dialFrom(port, MAX_RUNNING / MAX_PER_ADDRESS);
  for (const socket of sockets) socket.write(GET.repeat(MAX_PER_ADDRESS));
  await expect.poll(count, { timeout: 20_000 }).toBe(MAX_RUNNING);
  return sockets;
}

describe("a server at its bound of running requests", () => {
  it("refuses one more with 503, Retry-After and a problem, and serves again when one has ended", async () => {
    const { fetch: hold, count, release } = heldFetch();
    const { server, port } = await serve(hold);
    await fill(port, count);

    const refused = await fetch(server.url);
    expect([refused.status, refused.headers.get("Retry-After")]).toEqual([503, "1"]);
    expect(refused.headers.get("Content-Type")).toBe("application/problem+json");
    for (const [name, value] of Object.entries(SECURE_HEADERS)) expect(refused.headers.get(name)).toBe(value);
    const requestId = refused.headers.get("X-Request-Id");
    expect(await refused.json()).toMatchObject({ status: 503, code: "server_busy", requestId });

    release();
    const again = fetch(server.url);
    await expect.poll(count).toBe(1);
    release();
    expect((await again).status).toBe(200);
  });

  it("keeps the connection of a refused request open, even with a body", async () => {
    const { fetch: hold, count } = heldFetch();
    const { port } = await serve(hold);
    await fill(port, count);
    const socket = await dial(port);
    socket.write(`POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody${GET}`);
    const answers = await readUntil(socket, '"}HTTP/1.1 503');
    expect(new Set(answers.match(/^Connection: .*$/gm))).toEqual(new Set(["Connection: keep-alive"]));
    socket.destroy();
  });

  it("still answers health checks", async () => {
    const { fetch: hold, count } = heldFetch();
    const { port } = await serve(hold);
    await fill(port, count);
    for (const path of ["/health/live", "/health/ready", "/health/ready?a=/../.."]) {
      expect(await statusOf(port, "127.0.0.1", get(path))).toBe(200);
    }
  });

  it.each([
    "/health/../v1/posts",
    "/health/%2e%2e/v1/posts",
    "/health/%2E./v1/posts",
    "/v1/health/live",
    "/health/live/../../v1/posts",
    "/health/ready/",
    "/health/live%2f..%2f..",
    "/health/",
    "//health/live",
    "/HEALTH/live",
    "http://x/health/../v1/posts",
  ])("counts %s, which is not a health check", async (target) => {
    const { fetch: hold, count } = heldFetch();
    const { port } = await serve(hold);
    await fill(port, count);
    expect(await statusOf(port, "127.0.0.1", get(target))).toBe(503);
  });

  it("does not count a request that was answered before its body had arrived", async () => {
    const { port } = await serve(() => new Response("refused", { status: 401 }), { limits: { maxRunning: 1 } });
    const client = await dial(port, { allowHalfOpen: true });
    client.write("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n");
    await readUntil(client, "refused");
    // The server reads the rest before it closes the connection.
    client.end("body");
    await closeOf(client);
    expect(await statusOf(port, "127.0.0.1")).toBe(401);
  });

  it("counts a request from its head on if a body has no meaning for its method", async () => {
    const { fetch: hold, count } = heldFetch();
    const { port } = await serve(hold, { limits: { maxRunning: 2 } });
    const clients = await dialFrom(port, 2);
    for (const client of clients) client.write("GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx");
    await expect.poll(count).toBe(2);
    expect(await statusOf(port, "127.0.0.1")).toBe(503);
  });

  it("accepts a new client and answers health checks before all waiting requests are served", async () => {
    const order: string[] = [];
    const { server, port } = await serve(({ url }) => {
      order.push(new URL(url).pathname);
      const endsAt = performance.now() + 5;
      while (performance.now() < endsAt);
      return new Response("fine");
    });
    const others = await Promise.all(Array.from({ length: 50 }, async () => dial(port)));
    const askAll = async (path: string) => {
      for (const other of others) other.write(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`);
      await Promise.all(others.map(async (other) => once(other, "data")));
    };
    await askAll("/first");
    const all = askAll("/then");
    await fetch(`${server.url}/health/live`);
    await all;
    expect(order.indexOf("/health/live")).toBeLessThan(100);
    for (const other of others) other.destroy();
  });
});

/** Waits until the server has handled all events of its connections so far. */
const settled = async (port: number) => statusOf(port, "127.0.0.1", get("/health/live"));

describe("the slot of a running request", () => {
  it("is released once for each pipelined request when the connection is reset", async () => {
    const { fetch: hold, count, release } = heldFetch();
    const { port } = await serve(hold);
    for (let round = 1; round <= 3; round++) {
      for (const socket of await fill(port, count)) socket.resetAndDestroy();
      await settled(port);
      release();
      await settled(port);
    }
    // Exactly the expected slots are free. A slot that is released twice would admit another request.
    await fill(port, count);
    expect(await statusOf(port, "127.0.0.1")).toBe(503);
  });

  it("is not used for a request whose client disconnected before its start", async () => {
    const begun: string[] = [];
    const { port } = await serve(({ url }) => {
      begun.push(new URL(url).pathname);
      const endsAt = performance.now() + 20;
      while (performance.now() < endsAt);
      return new Response("fine");
    });
    const socket = await dial(port);
    socket.write(GET.repeat(MAX_PER_ADDRESS), () => socket.resetAndDestroy());
    await closeOf(socket);
    // It waits behind them for the event loop.
    expect(await statusOf(port, "127.0.0.1", get("/last"))).toBe(200);
    expect(begun.filter((path) => path === "/").length).toBeLessThan(MAX_PER_ADDRESS);
  });

  it("is released when the response is complete, even if the client does not read it", async () => {
    const { port } = await serve(() => new Response("x".repeat(8 * MIB)), { limits: { maxRunning: 2 } });
    const readers = await dialFrom(port, 4);
    for (const reader of readers) {
      reader.pause();
      reader.write(GET);
      await settled(port);
    }
    expect(await statusOf(port, "127.0.0.1")).toBe(200);
    for (const reader of readers) reader.destroy();
  });

  it("is not occupied by incomplete uploads", async () => {
    const { port } = await serve(async (request) => new Response(await request.text()), { limits: { maxRunning: 2 } });
    const uploads = await dialFrom(port, 4);
    for (const upload of uploads) upload.write("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf");
    await settled(port);
    expect(await statusOf(port, "127.0.0.1", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx")).toBe(200);
    for (const upload of uploads) upload.destroy();
  });
});

describe("the bound of one client address", () => {
  it("refuses more requests than its share with 429 and Retry-After, and serves others", async () => {
    const { fetch: hold, count, release } = heldFetch();
    const { port } = await serve(hold);
    const greedy = await dial(port, { from: "127.0.0.2" });
    greedy.write(GET.repeat(MAX_PER_ADDRESS));
    await expect.poll(count).toBe(MAX_PER_ADDRESS);

    const { statusLine, headers, body } = await send(port, "127.0.0.2");
    expect([statusLine, headers.get("Retry-After")]).toEqual(["HTTP/1.1 429 Too Many Requests", "1"]);
    expect(body === "" || JSON.parse(body)).toMatchObject({ status: 429, code: "address_busy" });
    const other = await dial(port, { from: "127.0.0.3" });
    other.write(GET);
    await expect.poll(count).toBe(MAX_PER_ADDRESS + 1);

    release();
    await readUntil(greedy, "fine");
    await settled(port);
    release();
    const again = statusOf(port, "127.0.0.2");
    await expect.poll(count).toBe(1);
    release();
    expect(await again).toBe(200);
    for (const socket of [greedy, other]) socket.destroy();
  });

  it("releases a request once when its connection is reset", async () => {
    const { fetch: hold, count, release } = heldFetch();
    const { port } = await serve(hold, { limits: { maxRequestsPerAddress: 2 } });
    for (let round = 1; round <= 3; round++) {
      const socket = await dial(port, { from: "127.0.0.2" });
      socket.write(GET.repeat(2));
      await expect.poll(count).toBe(2);
      expect(await statusOf(port, "127.0.0.2")).toBe(429);
      socket.resetAndDestroy();
      await settled(port);
      release();
      await settled(port);
    }
  });

  it("counts incomplete uploads", async () => {
    const limits = { maxRequestsPerAddress: 2 };
    const { port } = await serve(async (request) => new Response(await request.text()), { limits });
    const uploads = await Promise.all([1, 2].map(async () => dial(port, { from: "127.0.0.2" })));
    for (const upload of uploads) upload.write("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf");
    await settled(port);
    expect(await statusOf(port, "127.0.0.2")).toBe(429);
    expect(await statusOf(port, "127.0.0.3")).toBe(200);
    for (const upload of uploads) upload.destroy();
    await settled(port);
    expect(await statusOf(port, "127.0.0.2")).toBe(200);
  });

  it("counts responses that are not read", async () => {
    const limits = { maxRequestsPerAddress: 2 };
    const { port } = await serve(() => new Response("x".repeat(8 * MIB)), { limits });
    const readers = await Promise.all([1, 2].map(async () => dial(port, { from: "127.0.0.2" })));
    for (const reader of readers) reader.pause().write(GET);
    await settled(port);
    expect(await statusOf(port, "127.0.0.2")).toBe(429);
    for (const reader of readers) reader.destroy();
  });

  it("applies to the client that a trusted proxy reports, not to the proxy", async () => {
    const addressOf = requestAddress(countedHosts(proxyList(["127.0.0.9"])));
    const { fetch: hold, count, release } = heldFetch();
    const { port } = await serve(hold, { limits: { maxRequestsPerAddress: 2 }, addressOf });
    const proxy = await dial(port, { from: "127.0.0.9" });
    const from = (client: string) => `GET / HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: ${client}\r\n\r\n`;
    proxy.write(from("192.0.2.1").repeat(2) + from("192.0.2.2").repeat(2) + GET.repeat(4));
    await expect.poll(count).toBe(8);
    expect(await statusOf(port, "127.0.0.9", from("192.0.2.1"))).toBe(429);
    expect(await statusOf(port, "127.0.0.9", from("203.0.113.7, 192.0.2.1"))).toBe(429);
    release();
    proxy.destroy();
  });

  it("ignores an X-Forwarded-For of the client itself", async () => {
    const addressOf = requestAddress(countedHosts(proxyList([])));
    const { fetch: hold, count, release } = heldFetch();
    const { port } = await serve(hold, { limits: { maxRequestsPerAddress: 2 }, addressOf });
    const client = await dial(port, { from: "127.0.0.2" });
    const from = (address: string) => `GET / HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: ${address}\r\n\r\n`;
    client.write(from("192.0.2.1") + from("192.0.2.2"));
    await expect.poll(count).toBe(2);
    expect(await statusOf(port, "127.0.0.2", from("192.0.2.3"))).toBe(429);
    release();
    client.destroy();
  });
});

describe("load shedding", () => {
  const refusals = ({ lines }: ReturnType<typeof recordingLog>) =>
    lines
      .filter(({ message }) => message.startsWith("load shedding"))
      .map(({ level, fields }) => ({ level, ...fields }));

  it("is logged immediately, and then once a minute with the number of refused requests", () => {
    vi.useFakeTimers();
    const log = recordingLog();
    const { note } = loadShedding(log);
    for (let refused = 0; refused < 1000; refused++) note("server");
    expect(refusals(log)).toEqual([{ level: "warn", refused: 1, refusedByAddress: 0 }]);
    note("address");
    vi.advanceTimersByTime(59_999);
    expect(refusals(log)).toHaveLength(1);
    vi.advanceTimersByTime(1);
    expect(refusals(log).slice(1)).toEqual([{ level: "warn", refused: 999, refusedByAddress: 1 }]);
    vi.advanceTimersByTime(600_000);
    expect(refusals(log)).toHaveLength(2);
    note("server");
    expect(refusals(log)).toHaveLength(3);
  });

  it("is visible for ten seconds after the last refusal because of the total load", () => {
    vi.useFakeTimers();
    const { note, load } = loadShedding(recordingLog());
    expect(load()).toBe("normal");
    note("address");
    expect(load()).toBe("normal");
    note("server");
    vi.advanceTimersByTime(9999);
    expect(load()).toBe("shedding");
    vi.advanceTimersByTime(1);
    expect(load()).toBe("normal");
  });

  it("is recorded for each refused request", async () => {
    const { fetch: hold, count, release } = heldFetch();
    const log = recordingLog();
    const shedding = loadShedding(log);
    const { port } = await serve(hold, { shedding, log });
    await fill(port, count);
    expect(shedding.load()).toBe("normal");
    await statusOf(port, "127.0.0.1");
    expect(shedding.load()).toBe("shedding");
    expect(refusals(log)).toHaveLength(1);
    release();
  });
});

describe("the bound of incomplete uploads", () => {
  const post = (length: number) =>
    `POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: ${length}\r\n\r\n`;
  const echo = async (request: Request) => new Response(`all ${(await request.arrayBuffer()).byteLength}`);

  /** Sends all bytes of an upload but the last. */
  async function upload(port: number, sent: number, from: string): Promise<Socket> {
    const socket = await dial(port, { from });
    await new Promise((settle) => socket.write(post(sent + 1) + "x".repeat(sent), settle));
    return socket;
  }

  it("drops the oldest upload of the address with the most bytes when the total is exceeded", async () => {
    const { port } = await serve(echo, { limits: { maxUploadBytes: 10 * MIB } });
    const cautious = await upload(port, 2 * MIB, "127.0.0.2");
    const oldest = closeOf(await upload(port, 6 * MIB, "127.0.0.3"));
    const newest = await upload(port, 3 * MIB, "127.0.0.3");
    await oldest;
    for (const socket of [cautious, newest]) {
      const answer = readToEnd(socket);
      socket.write("x");
      expect(await answer).toMatch(/all \d+/);
    }
  });

  it("is lower for one address than in total", async () => {
    const { port } = await serve(echo, { limits: { maxUploadBytesPerAddress: 3 * MIB } });
    const oldest = closeOf(await upload(port, 2 * MIB, "127.0.0.2"));
    const other = await upload(port, 2 * MIB, "127.0.0.3");
    const newest = await upload(port, 2 * MIB, "127.0.0.2");
    await oldest;
    for (const socket of [other, newest]) {
      const answer = readToEnd(socket);
      socket.write("x");
      expect(await answer).toContain(`all ${2 * MIB + 1}`);
    }
  });

  it("counts uploads without the earlier requests of their connections", async () => {
    const { port } = await serve(echo, { limits: { maxUploadBytesPerAddress: 3 * MIB } });
    const socket = await dial(port);
    const keptAlive = (length: number) => `POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ${length}\r\n\r\n`;
    for (let requests = 0; requests < 2; requests++) {
      const answer = readUntil(socket, `all ${2 * MIB}`);
      socket.write(keptAlive(2 * MIB) + "x".repeat(2 * MIB));
      await answer;
    }
    const last = readUntil(socket, `all ${MIB + 1}`);
    socket.write(keptAlive(MIB + 1) + "x".repeat(MIB));
    // Uploads are checked every 100 ms.
    await delay(250);
    socket.write("x");
    expect(await last).toMatch(/^HTTP\/1\.1 200 /);
    socket.destroy();
  });

  it("does not count a body that has arrived while the app works on it", async () => {
    const { fetch: hold, count, release } = heldFetch();
    const fetch: Fetch = async (request, bindings) => {
      await request.arrayBuffer();
      return hold(request, bindings);
    };
    const { port } = await serve(fetch, { limits: { maxUploadBytesPerAddress: 3 * MIB } });
    const answers: Promise<string>[] = [];
    for (const arrived of [1, 2]) {
      const socket = await upload(port, 2 * MIB, "127.0.0.2");
      answers.push(readToEnd(socket));
      socket.write("x");
      await expect.poll(count).toBe(arrived);
    }
    // The uploads have been checked when one of another address is dropped.
    const dropped = closeOf(await upload(port, 2 * MIB, "127.0.0.3"));
    const other = await upload(port, 2 * MIB, "127.0.0.3");
    await dropped;
    other.destroy();
    release();
    for (const answer of answers) expect(await answer).toContain("fine");
  });

  it("counts small uploads too", async () => {
    const limits = { maxUploadBytesPerAddress: 10 * 65_536 };
    const { port } = await serve(echo, { limits });
    const closed = closeOf(await upload(port, 60_000, "127.0.0.2"));
    const others = await Promise.all(Array.from({ length: 11 }, async () => upload(port, 60_000, "127.0.0.2")));
    await closed;
    for (const socket of others) socket.destroy();
  });
});
