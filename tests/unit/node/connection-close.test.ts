import { once } from "node:events";
import { connect } from "node:net";
import type { Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import { afterEach, describe, expect, it, vi } from "vitest";
import {
  closeOf,
  closeServers,
  dial,
  heldFetch,
  parseAnswer,
  readToEnd,
  readUntil,
  sendRaw,
  serve,
  slowFetch,
  type Fetch,
} from "../../support/raw-http.ts";

const GRACE_MS = 60_000;
const MIB = 1_048_576;
const REQUEST = "GET / HTTP/1.1\r\nHost: quire\r\n\r\n";

afterEach(() => void vi.useRealTimers());
afterEach(closeServers);

/** An app that refuses a request by its head and reads no body. */
const refuse: Fetch = () => new Response("refused", { status: 401 });
/** An app that refuses a body after reading a part of it. */
const limited: Fetch = new Hono().post(
  "/",
  bodyLimit({ maxSize: 100_000, onError: (c) => c.text("refused", 413) }),
  async (c) => c.text(`read ${(await c.req.text()).length}`),
).fetch;

/** Sends a body in steps and reads the response only afterwards. */
async function sendAll(socket: Socket, head: string, chunks: number, chunk: Buffer | string): Promise<string> {
  socket.pause();
  socket.write(head);
  for (let sent = 0; sent < chunks; sent++) {
    await new Promise((settle) => socket.write(chunk, settle));
    await new Promise(setImmediate);
  }
  const answer = readToEnd(socket);
  socket.resume();
  return answer;
}

describe("a response before the body was read", () => {
  const KNOWN_LENGTH = `POST / HTTP/1.1\r\nHost: quire\r\nContent-Length: ${20 * MIB}\r\n\r\n`;
  const CHUNKED = "POST / HTTP/1.1\r\nHost: quire\r\nTransfer-Encoding: chunked\r\n\r\n";

  it("announces the close, and reaches a client that sends its whole body first", async () => {
    const { port } = await serve(refuse);
    const answer = await sendAll(await dial(port), KNOWN_LENGTH, 20, Buffer.alloc(MIB));
    const { statusLine, headers, body } = parseAnswer(answer);
    expect([statusLine, headers.get("Connection"), body]).toEqual(["HTTP/1.1 401 Unauthorized", "close", "refused"]);
  });

  it("reaches a client whose chunked body is refused while it is read", async () => {
    const { port } = await serve(limited);
    const chunk = `10000\r\n${"x".repeat(65_536)}\r\n`;
    const answer = await sendAll(await dial(port), CHUNKED, 200, chunk);
    const { statusLine, headers } = parseAnswer(answer);
    expect([statusLine, headers.get("Connection")]).toEqual(["HTTP/1.1 413 Payload Too Large", "close"]);
    expect(answer).toContain("refused");
  });

  it.each([
    ["of a request that cannot be parsed", "POST / HTTP/1.1\r\nHost: quire\r\nnonsense\r\n\r\n", 400],
    ["of headers that are too large", `POST / HTTP/1.1\r\nHost: quire\r\nX: ${"x".repeat(20_000)}\r\n\r\n`, 431],
    ["of an invalid chunk", `${CHUNKED}nonsense\r\n`, 400],
    [
      "of an unknown Expect header",
      "POST / HTTP/1.1\r\nHost: quire\r\nExpect: x\r\nContent-Length: 20971520\r\n\r\n",
      417,
    ],
    ["of two hosts", `POST / HTTP/1.1\r\nHost: a\r\nHost: b\r\nContent-Length: 20971520\r\n\r\n`, 400],
  ])("reaches a client that continues to send, although %s", async (_, head, status) => {
    const { port } = await serve(async (request) => new Response(await request.text()));
    const answer = await sendAll(await dial(port), head, 20, Buffer.alloc(MIB));
    expect(parseAnswer(answer).statusLine).toContain(` ${status} `);
  });

  it("is the last response on its connection", async () => {
    const asked: string[] = [];
    const { port } = await serve((request) => {
      asked.push(new URL(request.url).pathname);
      return new Response("refused", { status: 401 });
    });
    const socket = await dial(port);
    socket.write("POST /first HTTP/1.1\r\nHost: quire\r\nContent-Length: 10\r\n\r\nhalf");
    const answer = readToEnd(socket);
    await once(socket, "data");
    socket.write("\r\n\r\n\r\nGET /second HTTP/1.1\r\nHost: quire\r\n\r\n");
    expect((await answer).match(/HTTP\/1\.1/g)).toHaveLength(1);
    expect(asked).toEqual(["/first"]);
  });

  it("waits for the rest of the body for a bounded time", async () => {
    const { port } = await serve(refuse, { limits: { lingerIdleMs: 50 } });
    const socket = await dial(port, { allowHalfOpen: true });
    socket.resume();
    socket.write(KNOWN_LENGTH);
    await once(socket, "end");
    // The client keeps its side open and sends nothing.
    await closedByPeer(socket);
  });

  it("waits for a bounded time after a malformed request", async () => {
    const { port } = await serve(refuse, { limits: { lingerIdleMs: 50 } });
    const socket = await dial(port, { allowHalfOpen: true });
    socket.resume();
    socket.write("nonsense\r\n\r\n");
    await once(socket, "end");
    await closedByPeer(socket);
  });

  it("reads the rest of an endless body for a bounded time", async () => {
    const { port } = await serve(refuse, { limits: { lingerMs: 200 } });
    const socket = await dial(port, { allowHalfOpen: true });
    socket.resume();
    socket.write(KNOWN_LENGTH);
    const sending = setInterval(() => socket.write("x"), 5);
    await closeOf(socket);
    clearInterval(sending);
  });

  it("keeps the connection open if the whole body arrived with the head", async () => {
    const { port } = await serve(refuse);
    const socket = await dial(port);
    for (let round = 0; round < 3; round++) {
      socket.write("POST / HTTP/1.1\r\nHost: quire\r\nContent-Length: 4\r\n\r\nbody");
      expect(await readUntil(socket, "refused")).toContain("Connection: keep-alive");
    }
    socket.destroy();
  });

  it("keeps the connection open if the app has read the body", async () => {
    const { port } = await serve(limited);
    const socket = await dial(port);
    for (const [head, body] of [
      ["Content-Length: 4\r\n\r\n", "body"],
      ["Transfer-Encoding: chunked\r\n\r\n", "4\r\nbody\r\n0\r\n\r\n"],
    ] as const) {
      socket.write(`POST / HTTP/1.1\r\nHost: quire\r\n${head}`);
      await new Promise(setImmediate);
      socket.write(body);
      expect(await readUntil(socket, "read 4")).toContain("Connection: keep-alive");
    }
    socket.destroy();
  });
});

/** Resolves when writing fails, because the other side has closed the connection completely. It waits for that. */
async function closedByPeer(socket: Socket): Promise<void> {
  const closed = closeOf(socket);
  const sending = setInterval(() => socket.write("x"), 1000);
  await closed;
  clearInterval(sending);
}

describe("100 Continue", () => {
  const expecting = (length: number) =>
    `POST / HTTP/1.1\r\nHost: quire\r\nExpect: 100-continue\r\nContent-Length: ${length}\r\n\r\n`;

  it("is not sent for a request that its head refuses", async () => {
    const { port } = await serve(refuse);
    const answer = await sendRaw(port, expecting(8 * MIB));
    expect(parseAnswer(answer).statusLine).toBe("HTTP/1.1 401 Unauthorized");
    expect(parseAnswer(answer).headers.get("Connection")).toBe("close");
  });

  it("is not sent for a body whose Content-Length is too large", async () => {
    const { port } = await serve(limited);
    expect(parseAnswer(await sendRaw(port, expecting(8 * MIB))).statusLine).toBe("HTTP/1.1 413 Payload Too Large");
  });

  it("is not sent during load shedding", async () => {
    const { fetch: hold, count, release } = heldFetch();
    const { port } = await serve(hold, { limits: { maxRunning: 1 } });
    const busy = await dial(port);
    busy.write(REQUEST);
    await expect.poll(count).toBe(1);
    expect(parseAnswer(await sendRaw(port, expecting(8 * MIB))).statusLine).toBe("HTTP/1.1 503 Service Unavailable");
    release();
    busy.destroy();
  });

  it("is sent once when the app reads the body, before the response", async () => {
    const { port } = await serve(limited);
    const socket = await dial(port);
    socket.write(expecting(4));
    expect(await readUntil(socket, "\r\n\r\n")).toBe("HTTP/1.1 100 Continue\r\n\r\n");
    socket.write("body");
    const answer = await readUntil(socket, "read 4");
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(answer).toContain("Connection: keep-alive");
    socket.destroy();
  });
});

describe("a client that half-closes after its request", () => {
  it("gets its response, then the connection closes", async () => {
    const { fetch: slow, started, finish } = slowFetch();
    const { port } = await serve(slow);
    const socket = await dial(port, { allowHalfOpen: true });
    const answer = readToEnd(socket);
    socket.end(REQUEST);
    await started;
    await new Promise((settle) => setTimeout(settle, 50));
    finish();
    expect(await answer).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*done$/);
  });

  it("gets all of its pipelined responses", async () => {
    const { port } = await serve(({ url }) => new Response(`at ${new URL(url).pathname};`));
    const socket = await dial(port, { allowHalfOpen: true });
    const answers = readToEnd(socket);
    socket.end(`${REQUEST.replace("/ ", "/1 ")}${REQUEST.replace("/ ", "/2 ")}`);
    expect((await answers).match(/at \S+;/g)).toEqual(["at /1;", "at /2;"]);
  });
});

describe("an idle connection", () => {
  it("is kept for 72 seconds by default, longer than proxies keep theirs", async () => {
    const { port } = await serve();
    const socket = await dial(port);
    socket.write(REQUEST);
    expect(await readUntil(socket, "fine")).toContain("Keep-Alive: timeout=72\r\n");
    socket.destroy();
  });

  it("is kept for the configured time", async () => {
    const { port } = await serve(undefined, { keepAliveMs: 1000 });
    const socket = await dial(port);
    socket.write(REQUEST);
    expect(await readUntil(socket, "fine")).toContain("Keep-Alive: timeout=1\r\n");
    await closeOf(socket);
  });
});

/** The outcome of a new connection: the code of the error, or that it was accepted. */
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

describe("the graceful shutdown of a server", () => {
  it("ends immediately without a running request, and refuses connections from then on", async () => {
    const { server, port } = await serve();
    await server.close(GRACE_MS);
    expect(await tryToConnect(port)).toBe("ECONNREFUSED");
  });

  it("closes idle keep-alive connections", async () => {
    const { server, port } = await serve();
    const socket = await dial(port);
    socket.write(REQUEST);
    await once(socket, "data");
    const ended = closeOf(socket);
    await server.close(GRACE_MS);
    await ended;
  });

  it("answers the next request on a connection that was in use until then", async () => {
    vi.useFakeTimers({ toFake: ["performance"] });
    const { server, port } = await serve();
    const socket = await dial(port);
    // Longer than the time after which a connection counts as idle.
    vi.advanceTimersByTime(1000);
    socket.write(REQUEST);
    await readUntil(socket, "fine");
    const closed = server.close(GRACE_MS);
    const answer = readToEnd(socket);
    socket.write(REQUEST);
    expect(await answer).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*Connection: close\r\n[^]*fine/i);
    await closed;
  });

  it("drains a running request and closes its connection after the response", async () => {
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

  it("lets a client that still sends its body read the response", async () => {
    let answer = () => {};
    const answered = new Promise<void>((settle) => (answer = settle));
    const { server, port } = await serve(() => {
      answer();
      return new Response("refused", { status: 401 });
    });
    const socket = await dial(port);
    socket.pause();
    socket.write(`POST / HTTP/1.1\r\nHost: quire\r\nContent-Length: ${MIB}\r\n\r\n`);
    await answered;
    const closed = server.close(GRACE_MS);
    // Longer than the time after which a connection counts as idle.
    for (let sent = 0; sent < 10; sent++) {
      socket.write("x".repeat(1000));
      await delay(30);
    }
    expect(socket.destroyed).toBe(false);
    const received = readToEnd(socket);
    socket.resume();
    expect(parseAnswer(await received).body).toBe("refused");
    await closed;
  });

  it("aborts a request that runs longer than the grace time", async () => {
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

  it("aborts a request whose body does not arrive", async () => {
    const { server, port } = await serve(async (request) => new Response(await request.text()));
    const socket = await dial(port);
    const answer = readToEnd(socket);
    socket.write("POST / HTTP/1.1\r\nHost: quire\r\nContent-Length: 10\r\n\r\nhalf");
    await server.close(1);
    expect(await answer).toBe("");
  });

  it("does not wait for a connection without a request", async () => {
    const { server, port } = await serve();
    const socket = await dial(port);
    const ended = closeOf(socket);
    await server.close(GRACE_MS);
    await ended;
  });

  it("announces the close with every response from then on", async () => {
    const { fetch: hold, count, release } = heldFetch();
    const { server, port } = await serve(hold);
    const socket = await dial(port);
    const answer = readToEnd(socket);
    socket.write(REQUEST);
    await expect.poll(count).toBe(1);
    const closed = server.close(GRACE_MS);
    release();
    expect(parseAnswer(await answer).headers.get("Connection")).toBe("close");
    await closed;
  });

  it("answers the next request of a busy client", async () => {
    const { server, port } = await serve();
    const socket = await dial(port);
    socket.write(REQUEST);
    await readUntil(socket, "fine");
    socket.write(REQUEST);
    const closed = server.close(GRACE_MS);
    const answer = await readToEnd(socket);
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*fine$/);
    expect(parseAnswer(answer).headers.get("Connection")).toBe("close");
    await closed;
  });
});
