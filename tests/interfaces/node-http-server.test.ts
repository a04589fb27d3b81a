import { EventEmitter, once } from "node:events";
import { connect, type Socket } from "node:net";
import { networkInterfaces } from "node:os";
import { afterEach, describe, expect, it } from "vitest";
import { SECURE_HEADERS } from "../../src/interfaces/http/headers.ts";
import { listen, type HttpServer } from "../../src/interfaces/node/http-server.ts";
import { recordingLog } from "../support/fixtures.ts";

const GRACE_MS = 60_000;

type Fetch = Parameters<typeof listen>[0]["fetch"];

const open: { close(): Promise<void> }[] = [];

afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

async function serve(fetch: Fetch = () => new Response("fine")) {
  const log = recordingLog();
  const server = (await listen({ fetch, host: "127.0.0.1", port: 0, log }))._unsafeUnwrap();
  open.push({ close: async () => server.close(0) });
  return { server, log, port: Number(new URL(server.url).port) };
}

/** A connection on which every byte is the test's. */
async function dial(port: number): Promise<Socket> {
  const socket = connect(port, "127.0.0.1").setEncoding("utf8");
  // A connection that is cut is what some tests are about; what arrived before is what they look at.
  socket.on("error", () => {});
  await once(socket, "connect");
  return socket;
}

/** Resolves when the connection is closed, in order or not. */
async function closeOf(socket: Socket): Promise<void> {
  await new Promise<void>((settle) => {
    socket.once("close", () => settle());
  });
}

/** Everything that arrives until the server ends the connection. */
async function readToEnd(socket: Socket): Promise<string> {
  let received = "";
  socket.on("data", (chunk) => {
    received += String(chunk);
  });
  await closeOf(socket);
  return received;
}

async function say(port: number, request: string): Promise<string> {
  const socket = await dial(port);
  const answer = readToEnd(socket);
  socket.write(request);
  return answer;
}

function problemIn(answer: string) {
  const [head = "", body = ""] = answer.split("\r\n\r\n");
  const [statusLine = "", ...headerLines] = head.split("\r\n");
  const headers = new Headers(
    headerLines.map((line): [string, string] => [line.split(": ")[0] ?? "", line.split(": ")[1] ?? ""]),
  );
  return { statusLine, headers, body: body === "" ? null : (JSON.parse(body) as unknown) };
}

function expectProblem(answer: string, status: number, reason: string, code: string): void {
  const { statusLine, headers, body } = problemIn(answer);
  expect(statusLine).toBe(`HTTP/1.1 ${status} ${reason}`);
  expect(headers.get("Content-Type")).toBe("application/problem+json");
  expect(headers.get("Connection")).toBe("close");
  for (const [name, value] of Object.entries(SECURE_HEADERS)) expect(headers.get(name)).toBe(value);
  expect(body).toEqual({
    type: "about:blank",
    title: expect.stringMatching(/./) as string,
    status,
    detail: expect.stringMatching(/./) as string,
    code,
    requestId: null,
  });
}

/** A fetch function whose requests run until they are told to end. */
function slowFetch() {
  const finished = new EventEmitter();
  const requests = new EventEmitter();
  const started = once(requests, "started");
  const fetch: Fetch = async () => {
    const finish = once(finished, "finish");
    requests.emit("started");
    await finish;
    return new Response("done");
  };
  return { fetch, started, finish: () => finished.emit("finish") };
}

/** What comes of a new connection: the code of the error, or that it was taken. */
async function tryToConnect(port: number): Promise<string | undefined> {
  const socket = connect(port, "127.0.0.1");
  return new Promise((settle) => {
    socket.once("error", (error: NodeJS.ErrnoException) => settle(error.code));
    socket.once("connect", () => {
      socket.destroy();
      settle("connected");
    });
  });
}

describe("listen", () => {
  it("picks a free port when asked for port 0, and says where it is", async () => {
    const { server } = await serve();
    expect(server.url).toMatch(/^http:\/\/127\.0\.0\.1:[1-9]\d*$/);
    expect(await (await fetch(server.url)).text()).toBe("fine");
  });

  it("gives the app the method, the URL, the headers and the body of a request", async () => {
    const { server } = await serve(async (request) =>
      Response.json({
        method: request.method,
        url: request.url,
        header: request.headers.get("X-Test"),
        body: await request.text(),
      }),
    );
    const response = await fetch(`${server.url}/a%20b?c=d`, { method: "PUT", headers: { "X-Test": "yes" }, body: "é" });
    expect(await response.json()).toEqual({ method: "PUT", url: `${server.url}/a%20b?c=d`, header: "yes", body: "é" });
  });

  it("fails with listen_failed when the port is taken", async () => {
    const { port, log } = await serve();
    const failure = (await listen({ fetch: () => new Response(), host: "127.0.0.1", port, log }))._unsafeUnwrapErr();
    expect(failure).toMatchObject({ kind: "listen_failed", host: "127.0.0.1", port, cause: { code: "EADDRINUSE" } });
  });

  it("fails with listen_failed when the address is not this machine's", async () => {
    // 192.0.2.0/24 is for documentation (RFC 5737): no machine has an address of it.
    const options = { fetch: () => new Response(), host: "192.0.2.1", port: 0, log: recordingLog() };
    const failure = (await listen(options))._unsafeUnwrapErr();
    expect(failure).toMatchObject({ kind: "listen_failed", cause: { code: "EADDRNOTAVAIL" } });
  });
});

describe("what is no HTTP request", () => {
  it.each([
    ["garbage", "\x16\x03\x01\x02 hello?\r\n\r\n"],
    ["a header without a colon", "GET / HTTP/1.1\r\nHost: quire\r\nnonsense\r\n\r\n"],
    ["a version that there is not", "GET / HTTP/9.9\r\nHost: quire\r\n\r\n"],
    ["a method that there is not", "BREW / HTTP/1.1\r\nHost: quire\r\n\r\n"],
    ["two lengths", "POST / HTTP/1.1\r\nHost: quire\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"],
    [
      "a length and chunks",
      "POST / HTTP/1.1\r\nHost: quire\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ],
    ["a length that is none", "POST / HTTP/1.1\r\nHost: quire\r\nContent-Length: -1\r\n\r\n"],
  ])("is answered with a problem of status 400: %s", async (_, request) => {
    const { port } = await serve();
    expectProblem(await say(port, request), 400, "Bad Request", "malformed_request");
  });

  it("is told from headers that are too large, which are 431", async () => {
    const { port } = await serve();
    const answer = await say(port, `GET / HTTP/1.1\r\nHost: quire\r\nX-Big: ${"x".repeat(20_000)}\r\n\r\n`);
    expectProblem(answer, 431, "Request Header Fields Too Large", "headers_too_large");
  });

  it.each([
    ["a Host header that is no host", "GET / HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n"],
    ["a Host header with a path", "GET / HTTP/1.1\r\nHost: quire/x\r\nConnection: close\r\n\r\n"],
    ["a Host header with a user", "GET / HTTP/1.1\r\nHost: user@quire\r\nConnection: close\r\n\r\n"],
    ["a port that is none", "GET / HTTP/1.1\r\nHost: quire:99999\r\nConnection: close\r\n\r\n"],
    ["a target that is no path", "GET nonsense HTTP/1.1\r\nHost: quire\r\nConnection: close\r\n\r\n"],
    ["an absolute URL that is none", "GET http:// HTTP/1.1\r\nHost: quire\r\nConnection: close\r\n\r\n"],
    ["no Host header", "GET / HTTP/1.1\r\nConnection: close\r\n\r\n"],
    ["two Host headers", "GET / HTTP/1.1\r\nHost: quire\r\nhost: quire\r\nConnection: close\r\n\r\n"],
  ])("is answered with a problem of status 400, too, when the parser lets it pass: %s", async (_, request) => {
    const { port, log } = await serve();
    expectProblem(await say(port, request), 400, "Bad Request", "malformed_request");
    expect(log.lines).toEqual([]);
  });

  it("is not answered in the place of a request before it that is being done", async () => {
    const { fetch: slow, started } = slowFetch();
    const { port } = await serve(slow);
    const socket = await dial(port);
    const answer = readToEnd(socket);
    socket.write("GET / HTTP/1.1\r\nHost: quire\r\n\r\n");
    await started;
    socket.write("nonsense\r\n\r\n");
    expect(await answer).toBe("");
  });

  it("is answered after the request before it", async () => {
    const { port } = await serve();
    const socket = await dial(port);
    socket.write("GET / HTTP/1.1\r\nHost: quire\r\n\r\n");
    await once(socket, "data");
    const answer = readToEnd(socket);
    socket.write("nonsense\r\n\r\n");
    expectProblem(await answer, 400, "Bad Request", "malformed_request");
  });

  it("does not take the server down", async () => {
    const { port, server } = await serve();
    await say(port, "nonsense\r\n\r\n");
    const socket = await dial(port);
    socket.resetAndDestroy();
    expect(await (await fetch(server.url)).text()).toBe("fine");
  });

  it("is answered with a problem when it expects what the server cannot do", async () => {
    const { port } = await serve();
    const answer = await say(port, "GET / HTTP/1.1\r\nHost: quire\r\nExpect: a miracle\r\nConnection: close\r\n\r\n");
    const { statusLine, headers } = problemIn(answer);
    expect(statusLine).toMatch(/^HTTP\/1\.1 417 /);
    expect(headers.get("Content-Type")).toBe("application/problem+json");
  });

  it("is not a path that begins with two slashes, which goes to the app as it is", async () => {
    const { port } = await serve((request) => new Response(new URL(request.url).pathname));
    const answer = await say(port, "GET //users HTTP/1.1\r\nHost: quire\r\nConnection: close\r\n\r\n");
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(answer).toContain("//users");
  });

  it("is not a request of every method that there is, TRACE included", async () => {
    const { port } = await serve((request) => new Response(request.method));
    const answer = await say(port, "TRACE / HTTP/1.1\r\nHost: quire\r\nConnection: close\r\n\r\n");
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(answer).toContain("TRACE");
  });
});

describe("what the app throws", () => {
  const crashes: readonly (readonly [string, Fetch])[] = [
    [
      "at once",
      () => {
        throw new Error("hunter2");
      },
    ],
    ["later", async () => Promise.reject(new Error("hunter2"))],
  ];

  it.each(crashes)(
    "%s is answered with a problem of status 500, which says nothing of it, and is logged",
    async (_, crash) => {
      const { server, log } = await serve(crash);
      const response = await fetch(server.url);
      const text = await response.text();
      expect(response.status).toBe(500);
      expect(response.headers.get("Content-Type")).toBe("application/problem+json");
      expect(JSON.parse(text)).toMatchObject({ status: 500, code: "internal_error" });
      expect(text).not.toContain("hunter2");
      expect(log.lines).toMatchObject([{ level: "error", fields: { error: { message: "hunter2" } } }]);
    },
  );
});

describe("close", () => {
  const REQUEST = "GET / HTTP/1.1\r\nHost: quire\r\n\r\n";

  it("ends at once when nothing runs, and nobody can connect from then on", async () => {
    const { server, port } = await serve();
    await server.close(GRACE_MS);
    expect(await tryToConnect(port)).toBe("ECONNREFUSED");
  });

  it("ends connections that are kept alive and idle", async () => {
    const { server, port } = await serve();
    const socket = await dial(port);
    socket.write(REQUEST);
    await once(socket, "data");
    const ended = closeOf(socket);
    await server.close(GRACE_MS);
    await ended;
  });

  it("waits for the request that runs, answers it, and ends its connection then", async () => {
    const { fetch: slow, started, finish } = slowFetch();
    const { server, port } = await serve(slow);
    const socket = await dial(port);
    const answer = readToEnd(socket);
    socket.write(REQUEST);
    await started;
    let isClosed = false;
    const closed = (async () => {
      await server.close(GRACE_MS);
      isClosed = true;
    })();
    expect(await tryToConnect(port)).toBe("ECONNREFUSED");
    expect(isClosed).toBe(false);
    finish();
    expect(await answer).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*done/);
    await closed;
  });

  it("cuts a request that runs longer than the grace time", async () => {
    const { fetch: slow, started, finish } = slowFetch();
    const { server, port } = await serve(slow);
    const socket = await dial(port);
    const answer = readToEnd(socket);
    socket.write(REQUEST);
    await started;
    await server.close(1);
    expect(await answer).toBe("");
    finish();
  });

  it("cuts a request whose body does not come to an end", async () => {
    const { server, port } = await serve(async (request) => new Response(await request.text()));
    const socket = await dial(port);
    const answer = readToEnd(socket);
    socket.write("POST / HTTP/1.1\r\nHost: quire\r\nContent-Length: 10\r\n\r\nhalf");
    await server.close(1);
    expect(await answer).toBe("");
  });

  it("does not wait for a connection that has asked nothing", async () => {
    const { server, port } = await serve();
    const socket = await dial(port);
    const ended = closeOf(socket);
    await server.close(GRACE_MS);
    await ended;
  });
});

describe("a server", () => {
  const hasIpv6 = Object.values(networkInterfaces()).some((addresses) =>
    addresses?.some(({ address }) => address === "::1"),
  );

  it.skipIf(!hasIpv6)("says its URL with brackets on IPv6", async () => {
    const server = await listen({ fetch: () => new Response("fine"), host: "::1", port: 0, log: recordingLog() });
    const url = server.map((listening: HttpServer) => {
      open.push({ close: async () => listening.close(0) });
      return listening.url;
    });
    expect(url._unsafeUnwrap()).toMatch(/^http:\/\/\[::1\]:\d+$/);
  });
});

describe("a server that has more to do than it can", () => {
  const MOST_RUNNING = 256;

  it("refuses what is more with 503 and Retry-After, answers health, and serves again when there is room", async () => {
    const waiting: (() => void)[] = [];
    const { server } = await serve(async ({ url }) => {
      if (!url.includes("/health/")) await new Promise<void>((settle) => waiting.push(settle));
      return new Response("fine");
    });
    const running = Array.from({ length: MOST_RUNNING }, async () => fetch(server.url));
    await expect.poll(() => waiting.length).toBe(MOST_RUNNING);

    const refused = await fetch(server.url);
    expect([refused.status, refused.headers.get("Retry-After")]).toEqual([503, "1"]);
    expect(refused.headers.get("Content-Type")).toBe("application/problem+json");
    for (const [name, value] of Object.entries(SECURE_HEADERS)) expect(refused.headers.get(name)).toBe(value);
    expect(await refused.json()).toMatchObject({ status: 503, code: "storage_busy" });
    for (const path of ["/health/live", "/v1/health/ready"]) {
      expect((await fetch(`${server.url}${path}`)).status).toBe(200);
    }

    for (const settle of waiting.splice(0)) settle();
    for (const answer of await Promise.all(running)) expect(await answer.text()).toBe("fine");
    const again = fetch(server.url);
    await expect.poll(() => waiting.length).toBe(1);
    waiting[0]?.();
    expect((await again).status).toBe(200);
  });

  it("lets a new client in, and answers health, before all the others are served", async () => {
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

  it("counts a request that nobody waits for the body of, though it has one", async () => {
    const waiting: (() => void)[] = [];
    const { server, port } = await serve(async () => {
      await new Promise<void>((settle) => waiting.push(settle));
      return new Response("fine");
    });
    const clients = await Promise.all(Array.from({ length: MOST_RUNNING }, async () => dial(port)));
    for (const client of clients) client.write("GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx");
    await expect.poll(() => waiting.length).toBe(MOST_RUNNING);
    expect((await fetch(server.url)).status).toBe(503);
    for (const client of clients) client.destroy();
    for (const settle of waiting) settle();
  });

  it("is not filled by uploads that do not come to an end", async () => {
    const { server, port } = await serve(async (request) => new Response(await request.text()));
    const uploads = await Promise.all(Array.from({ length: MOST_RUNNING + 1 }, async () => dial(port)));
    for (const upload of uploads) upload.write("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf");
    expect((await fetch(server.url, { method: "POST", body: "a whole one" })).status).toBe(200);
    for (const upload of uploads) upload.destroy();
  });

  it("cuts the uploads that have taken longest when too much of those that are not whole has arrived", async () => {
    const { port } = await serve(async (request) => {
      let length = 0;
      for await (const part of request.body ?? []) length += part.length;
      return new Response(`all ${length}`);
    });
    const upload = async (length: number, sent: number) => {
      const socket = await dial(port);
      socket.write(`POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: ${length}\r\n\r\n`);
      await new Promise((settle) => socket.write(Buffer.alloc(sent), settle));
      return socket;
    };
    const MIB = 1_048_576;
    const cut = closeOf(await upload(200 * MIB, 150 * MIB));
    const newest = await upload(120 * MIB + 1, 120 * MIB);
    await cut;
    const answer = readToEnd(newest);
    newest.write("x");
    expect(await answer).toContain(`all ${120 * MIB + 1}`);
  });
});
