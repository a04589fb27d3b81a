import { once } from "node:events";
import { connect } from "node:net";
import type { Socket } from "node:net";
import { Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import { afterEach, describe, expect, it } from "vitest";
import {
  closeOf,
  closeServers,
  dial,
  heldFetch,
  parseAnswer,
  readToEnd,
  readUntil,
  say,
  serve,
  slowFetch,
  type Fetch,
} from "../../support/raw-http.ts";

const GRACE_MS = 60_000;
const MIB = 1_048_576;
const REQUEST = "GET / HTTP/1.1\r\nHost: quire\r\n\r\n";

afterEach(closeServers);

/** Reads nothing of a body, as an app that refuses by the head. */
const refuse: Fetch = () => new Response("refused", { status: 401 });
/** Refuses a body when it has read so much of it. */
const limited: Fetch = new Hono().post(
  "/",
  bodyLimit({ maxSize: 100_000, onError: (c) => c.text("refused", 413) }),
  async (c) => c.text(`read ${(await c.req.text()).length}`),
).fetch;

/** Sends a body in steps and reads nothing meanwhile, as a client does that reads the answer only then. */
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

describe("an answer before the body was read", () => {
  const KNOWN_LENGTH = `POST / HTTP/1.1\r\nHost: quire\r\nContent-Length: ${20 * MIB}\r\n\r\n`;
  const CHUNKED = "POST / HTTP/1.1\r\nHost: quire\r\nTransfer-Encoding: chunked\r\n\r\n";

  it("says that the connection closes, and reaches a client that sends all of its body first", async () => {
    const { port } = await serve(refuse);
    const answer = await sendAll(await dial(port), KNOWN_LENGTH, 20, Buffer.alloc(MIB));
    const { statusLine, headers, body } = parseAnswer(answer);
    expect([statusLine, headers.get("Connection"), body]).toEqual(["HTTP/1.1 401 Unauthorized", "close", "refused"]);
  });

  it("reaches a client whose chunks are refused while they are read", async () => {
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
    ["of a chunk that is none", `${CHUNKED}nonsense\r\n`, 400],
    ["of an expectation", "POST / HTTP/1.1\r\nHost: quire\r\nExpect: x\r\nContent-Length: 20971520\r\n\r\n", 417],
    ["of two hosts", `POST / HTTP/1.1\r\nHost: a\r\nHost: b\r\nContent-Length: 20971520\r\n\r\n`, 400],
  ])("reaches a client that sends on, also because %s", async (_, head, status) => {
    const { port } = await serve(async (request) => new Response(await request.text()));
    const answer = await sendAll(await dial(port), head, 20, Buffer.alloc(MIB));
    expect(parseAnswer(answer).statusLine).toContain(` ${status} `);
  });

  it("ends the connection for requests that come after it", async () => {
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

  it("does not wait without end for the rest of the body", async () => {
    const { port } = await serve(refuse, { limits: { lingerIdleMs: 50 } });
    const socket = await dial(port, { allowHalfOpen: true });
    socket.resume();
    socket.write(KNOWN_LENGTH);
    await once(socket, "end");
    // The client's side stays open and sends nothing.
    await closedByPeer(socket);
  });

  it("does not wait without end after a request that cannot be parsed either", async () => {
    const { port } = await serve(refuse, { limits: { lingerIdleMs: 50 } });
    const socket = await dial(port, { allowHalfOpen: true });
    socket.resume();
    socket.write("nonsense\r\n\r\n");
    await once(socket, "end");
    await closedByPeer(socket);
  });

  it("does not read the rest without end from a client that keeps on sending", async () => {
    const { port } = await serve(refuse, { limits: { lingerMs: 200 } });
    const socket = await dial(port, { allowHalfOpen: true });
    socket.resume();
    socket.write(KNOWN_LENGTH);
    const sending = setInterval(() => socket.write("x"), 5);
    await closeOf(socket);
    clearInterval(sending);
  });

  it("keeps the connection where the whole body has come with the head", async () => {
    const { port } = await serve(refuse);
    const socket = await dial(port);
    for (let round = 0; round < 3; round++) {
      socket.write("POST / HTTP/1.1\r\nHost: quire\r\nContent-Length: 4\r\n\r\nbody");
      expect(await readUntil(socket, "refused")).toContain("Connection: keep-alive");
    }
    socket.destroy();
  });

  it("keeps the connection where the app has read the body", async () => {
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

/** Resolves when writing fails, as the other side has closed the connection altogether. It has time for that. */
async function closedByPeer(socket: Socket): Promise<void> {
  const closed = closeOf(socket);
  const sending = setInterval(() => socket.write("x"), 1000);
  await closed;
  clearInterval(sending);
}

describe("100 Continue", () => {
  const expecting = (length: number) =>
    `POST / HTTP/1.1\r\nHost: quire\r\nExpect: 100-continue\r\nContent-Length: ${length}\r\n\r\n`;

  it("is not sent to a request that is refused by its head", async () => {
    const { port } = await serve(refuse);
    const answer = await say(port, expecting(8 * MIB));
    expect(parseAnswer(answer).statusLine).toBe("HTTP/1.1 401 Unauthorized");
    expect(parseAnswer(answer).headers.get("Connection")).toBe("close");
  });

  it("is not sent to a body that is too large by its own account", async () => {
    const { port } = await serve(limited);
    expect(parseAnswer(await say(port, expecting(8 * MIB))).statusLine).toBe("HTTP/1.1 413 Payload Too Large");
  });

  it("is not sent when load is shed", async () => {
    const { fetch: hold, count, letGo } = heldFetch();
    const { port } = await serve(hold, { limits: { maxRunning: 1 } });
    const busy = await dial(port);
    busy.write(REQUEST);
    await expect.poll(count).toBe(1);
    expect(parseAnswer(await say(port, expecting(8 * MIB))).statusLine).toBe("HTTP/1.1 503 Service Unavailable");
    letGo();
    busy.destroy();
  });

  it("is sent once when the body is going to be read, and the answer follows", async () => {
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

describe("a client that ends its side once it has asked", () => {
  it("gets its answer, and then the connection ends", async () => {
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

  it("gets every answer that it has asked for", async () => {
    const { port } = await serve(({ url }) => new Response(`at ${new URL(url).pathname};`));
    const socket = await dial(port, { allowHalfOpen: true });
    const answers = readToEnd(socket);
    socket.end(`${REQUEST.replace("/ ", "/1 ")}${REQUEST.replace("/ ", "/2 ")}`);
    expect((await answers).match(/at \S+;/g)).toEqual(["at /1;", "at /2;"]);
  });
});

describe("an idle connection", () => {
  it("is kept for 72 seconds, longer than proxies keep theirs", async () => {
    const { port } = await serve();
    const socket = await dial(port);
    socket.write(REQUEST);
    expect(await readUntil(socket, "fine")).toContain("Keep-Alive: timeout=72\r\n");
    socket.destroy();
  });

  it("is kept for as long as is configured", async () => {
    const { port } = await serve(undefined, { keepAliveMs: 1000 });
    const socket = await dial(port);
    socket.write(REQUEST);
    expect(await readUntil(socket, "fine")).toContain("Keep-Alive: timeout=1\r\n");
    await closeOf(socket);
  });
});

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

describe("close", () => {
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

  it("says with every answer from then on that the connection closes", async () => {
    const { fetch: hold, count, letGo } = heldFetch();
    const { server, port } = await serve(hold);
    const socket = await dial(port);
    const answer = readToEnd(socket);
    socket.write(REQUEST);
    await expect.poll(count).toBe(1);
    const closed = server.close(GRACE_MS);
    letGo();
    expect(parseAnswer(await answer).headers.get("Connection")).toBe("close");
    await closed;
  });

  it("answers the next request of a client that asks without a pause", async () => {
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
