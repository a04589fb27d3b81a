import { once } from "node:events";
import { createServer } from "node:http";
import { networkInterfaces } from "node:os";
import { afterEach, describe, expect, it } from "vitest";
import { SECURE_HEADERS } from "../../../src/interfaces/http/openapi/headers.ts";
import { trackConnections } from "../../../src/interfaces/node/connections.ts";
import { listen } from "../../../src/interfaces/node/http-server.ts";
import { DEFAULT_LIMITS } from "../../../src/interfaces/node/limits.ts";
import { answerMalformedRequests } from "../../../src/interfaces/node/malformed-requests.ts";
import { recordingLog } from "../../../src/testing/fixtures.ts";
import { listening } from "../../support/listening.ts";
import {
  closeServers,
  dial,
  parseAnswer,
  readToEnd,
  sendRaw,
  serve,
  slowFetch,
  type Fetch,
} from "../../support/raw-http.ts";

afterEach(closeServers);

/** The request ids in a log. */
const loggedIds = (log: ReturnType<typeof recordingLog>) =>
  log.lines.map(({ fields }) => (fields as { readonly requestId: string }).requestId);

/** Expects a problem that closes the connection. Returns its request id. */
function expectProblem(answer: string, status: number, reason: string, code: string): string | null {
  const { statusLine, headers, body } = parseAnswer(answer);
  const requestId = headers.get("X-Request-Id");
  expect(requestId).toMatch(/^[\w-]{36}$/);
  expect(statusLine).toBe(`HTTP/1.1 ${status} ${reason}`);
  expect(headers.get("Content-Type")).toBe("application/problem+json");
  expect(headers.get("Connection")).toBe("close");
  for (const [name, value] of Object.entries(SECURE_HEADERS)) expect(headers.get(name)).toBe(value);
  expect(JSON.parse(body)).toEqual({
    type: "about:blank",
    title: expect.stringMatching(/./) as string,
    status,
    detail: expect.stringMatching(/./) as string,
    code,
    requestId,
  });
  return requestId;
}

describe("listen", () => {
  it("picks a free port for port 0 and returns its URL", async () => {
    const { server } = await serve();
    expect(server.url).toMatch(/^http:\/\/127\.0\.0\.1:[1-9]\d*$/);
    expect(await (await fetch(server.url)).text()).toBe("fine");
  });

  it("passes method, URL, headers and body of a request to the app", async () => {
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

  it("accepts the transfer coding chunked in any case (RFC 9112, 7)", async () => {
    const { port } = await serve(async (request) => new Response(await request.text()));
    const head = "POST / HTTP/1.1\r\nHost: quire\r\nConnection: close\r\nTransfer-Encoding: Chunked\r\n\r\n";
    const answer = await sendRaw(port, `${head}4\r\nbody\r\n0\r\n\r\n`);
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
    expect(answer).toContain("body");
  });

  it("fails with listen_failed if the port is in use", async () => {
    const { port, log } = await serve();
    const failure = (await listen({ fetch: () => new Response(), host: "127.0.0.1", port, log }))._unsafeUnwrapErr();
    expect(failure).toMatchObject({ kind: "listen_failed", host: "127.0.0.1", port, cause: { code: "EADDRINUSE" } });
  });

  it("fails with listen_failed for an address of another machine", async () => {
    // 192.0.2.0/24 is for documentation (RFC 5737), so no machine has such an address.
    const options = { fetch: () => new Response(), host: "192.0.2.1", port: 0, log: recordingLog() };
    const failure = (await listen(options))._unsafeUnwrapErr();
    expect(failure).toMatchObject({ kind: "listen_failed", cause: { code: "EADDRNOTAVAIL" } });
  });
});

describe("a malformed request", () => {
  it.each([
    ["garbage", "\x16\x03\x01\x02 hello?\r\n\r\n"],
    ["a header without a colon", "GET / HTTP/1.1\r\nHost: quire\r\nnonsense\r\n\r\n"],
    ["an unknown version", "GET / HTTP/9.9\r\nHost: quire\r\n\r\n"],
    ["an unknown method", "BREW / HTTP/1.1\r\nHost: quire\r\n\r\n"],
    ["two lengths", "POST / HTTP/1.1\r\nHost: quire\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"],
    [
      "a length and chunks",
      "POST / HTTP/1.1\r\nHost: quire\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ],
    ["an invalid length", "POST / HTTP/1.1\r\nHost: quire\r\nContent-Length: -1\r\n\r\n"],
  ])("gets a problem with status 400: %s", async (_, request) => {
    const { port, log } = await serve();
    const requestId = expectProblem(await sendRaw(port, request), 400, "Bad Request", "malformed_request");
    expect(loggedIds(log)).toEqual([requestId]);
    expect(log.lines).toMatchObject([{ level: "info", fields: { status: 400, code: "malformed_request" } }]);
  });

  it("differs from a request with too large headers, which gets 431", async () => {
    const { port, log } = await serve();
    const answer = await sendRaw(port, `GET / HTTP/1.1\r\nHost: quire\r\nX-Big: ${"x".repeat(20_000)}\r\n\r\n`);
    const requestId = expectProblem(answer, 431, "Request Header Fields Too Large", "headers_too_large");
    expect(loggedIds(log)).toEqual([requestId]);
  });

  it.each([
    ["an invalid Host header", "GET / HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n"],
    ["a Host header with a path", "GET / HTTP/1.1\r\nHost: quire/x\r\nConnection: close\r\n\r\n"],
    ["a Host header with a user", "GET / HTTP/1.1\r\nHost: user@quire\r\nConnection: close\r\n\r\n"],
    ["an invalid port", "GET / HTTP/1.1\r\nHost: quire:99999\r\nConnection: close\r\n\r\n"],
    ["a target that is not a path", "GET nonsense HTTP/1.1\r\nHost: quire\r\nConnection: close\r\n\r\n"],
    ["an invalid absolute URL", "GET http:// HTTP/1.1\r\nHost: quire\r\nConnection: close\r\n\r\n"],
    ["no Host header", "GET / HTTP/1.1\r\nConnection: close\r\n\r\n"],
    ["two Host headers", "GET / HTTP/1.1\r\nHost: quire\r\nhost: quire\r\nConnection: close\r\n\r\n"],
  ])("gets a problem with status 400 even if Node's parser accepts it: %s", async (_, request) => {
    const { port, log } = await serve();
    const requestId = expectProblem(await sendRaw(port, request), 400, "Bad Request", "malformed_request");
    expect(loggedIds(log)).toEqual([requestId]);
  });

  it("is not logged if the connection ends without a byte", async () => {
    const { port, server, log } = await serve();
    const socket = await dial(port);
    socket.end();
    await readToEnd(socket);
    expect(await (await fetch(server.url)).text()).toBe("fine");
    expect(log.lines).toEqual([]);
  });

  it("keeps the request id of the client if the head was readable", async () => {
    const { port, log } = await serve();
    const answer = await sendRaw(port, "GET / HTTP/1.1\r\nHost: a b\r\nX-Request-Id: from-the-client\r\n\r\n");
    expect(parseAnswer(answer).headers.get("X-Request-Id")).toBe("from-the-client");
    expect(loggedIds(log)).toEqual(["from-the-client"]);
  });

  it("gets 501 for a transfer coding other than chunked (RFC 9112, 6.1)", async () => {
    const { port } = await serve();
    const head = "POST / HTTP/1.1\r\nHost: quire\r\nTransfer-Encoding: gzip, chunked\r\n\r\n";
    expectProblem(await sendRaw(port, `${head}0\r\n\r\n`), 501, "Not Implemented", "transfer_coding_unsupported");
  });

  it("gets 400 for a transfer coding in HTTP/1.0 (RFC 9112, 6.1)", async () => {
    const { port } = await serve();
    const request = "POST / HTTP/1.0\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    expectProblem(await sendRaw(port, request), 400, "Bad Request", "malformed_request");
  });

  it("gets no response while a request before it is running", async () => {
    const { fetch: slow, started } = slowFetch();
    const { port } = await serve(slow);
    const socket = await dial(port);
    const answer = readToEnd(socket);
    socket.write("GET / HTTP/1.1\r\nHost: quire\r\n\r\n");
    await started;
    socket.write("nonsense\r\n\r\n");
    expect(await answer).toBe("");
  });

  it("gets its response after the response to the earlier request", async () => {
    const { port } = await serve();
    const socket = await dial(port);
    socket.write("GET / HTTP/1.1\r\nHost: quire\r\n\r\n");
    await once(socket, "data");
    const answer = readToEnd(socket);
    socket.write("nonsense\r\n\r\n");
    expectProblem(await answer, 400, "Bad Request", "malformed_request");
  });

  it("does not end the server", async () => {
    const { port, server } = await serve();
    await sendRaw(port, "nonsense\r\n\r\n");
    const socket = await dial(port);
    socket.resetAndDestroy();
    expect(await (await fetch(server.url)).text()).toBe("fine");
  });

  it("gets a problem for an unknown Expect header", async () => {
    const { port, log } = await serve();
    const answer = await sendRaw(port, "GET / HTTP/1.1\r\nHost: quire\r\nExpect: a miracle\r\n\r\n");
    const requestId = expectProblem(answer, 417, "Expectation Failed", "expectation_failed");
    expect(loggedIds(log)).toEqual([requestId]);
  });

  it("is not a path that begins with two slashes, which reaches the app unchanged", async () => {
    const { port } = await serve((request) => new Response(new URL(request.url).pathname));
    const answer = await sendRaw(port, "GET //users HTTP/1.1\r\nHost: quire\r\nConnection: close\r\n\r\n");
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(answer).toContain("//users");
  });

  it("is not a request with any method, TRACE included", async () => {
    const { port } = await serve((request) => new Response(request.method));
    const answer = await sendRaw(port, "TRACE / HTTP/1.1\r\nHost: quire\r\nConnection: close\r\n\r\n");
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(answer).toContain("TRACE");
  });
});

describe("a request that does not arrive in time", () => {
  /** The answer of a server that waits 20 ms for the head of a request. */
  async function answerTo(sent: string): Promise<string> {
    const server = createServer({ headersTimeout: 20, connectionsCheckingInterval: 10 });
    answerMalformedRequests(server, trackConnections(server), {
      limits: DEFAULT_LIMITS,
      log: recordingLog(),
      loggedAddress: () => undefined,
    });
    const { port } = new URL(await listening(server));
    const socket = await dial(Number(port));
    const answer = readToEnd(socket);
    socket.write(sent);
    return answer.finally(() => server.close());
  }

  it("gets a problem with status 408", async () => {
    expectProblem(await answerTo("GET / HTTP/1.1\r\n"), 408, "Request Timeout", "request_timeout");
  });

  it("gets no response if it has sent no byte: browsers open some connections in advance", async () => {
    expect(await answerTo("")).toBe("");
  });
});

describe("the log line of a request without the app", () => {
  it.each([
    ["has the client address", true, "127.0.0.1"],
    ["has no client address if none is to be logged", false, undefined],
  ])("%s", async (_, logsClientAddress, clientAddress) => {
    const { port, log } = await serve(() => new Response("the app"), { logsClientAddress });
    const close = "Host: quire\r\nConnection: close\r\n\r\n";
    for (const request of [`OPTIONS * HTTP/1.1\r\n${close}`, `G@T / HTTP/1.1\r\n${close}`, "GET / HTTP/1.1\r\n\r\n"])
      await sendRaw(port, request);
    expect(log.lines.map(({ fields }) => (fields as { readonly clientAddress?: string }).clientAddress)).toEqual(
      [1, 2, 3].map(() => clientAddress),
    );
    if (!logsClientAddress) expect(JSON.stringify(log.lines)).not.toContain("127.0.0.1");
  });
});

describe("OPTIONS *", () => {
  it("gets the methods of the server and keeps its connection open (RFC 9110, 9.3.7)", async () => {
    const { port, log } = await serve(() => new Response("the app"));
    const answer = await sendRaw(
      port,
      "OPTIONS * HTTP/1.1\r\nHost: quire\r\n\r\nGET / HTTP/1.1\r\nHost: quire\r\nConnection: close\r\n\r\n",
    );
    const { statusLine, headers, body } = parseAnswer(answer);
    expect(statusLine).toBe("HTTP/1.1 204 No Content");
    expect(headers.get("Allow")).toBe("DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT");
    expect(headers.get("Connection")).toBe("keep-alive");
    expect(body).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(loggedIds(log)).toEqual([headers.get("X-Request-Id")]);
  });

  it("is the only request whose target may be an asterisk", async () => {
    const { port } = await serve();
    expectProblem(
      await sendRaw(port, "GET * HTTP/1.1\r\nHost: quire\r\n\r\n"),
      400,
      "Bad Request",
      "malformed_request",
    );
  });
});

describe("an exception of the app", () => {
  const crashes: readonly (readonly [string, Fetch])[] = [
    [
      "at once",
      () => {
        throw new Error("hunter2");
      },
    ],
    ["later", async () => Promise.reject(new Error("hunter2"))],
  ];

  it.each(crashes)("%s is logged, and the client gets a problem with status 500 without details", async (_, crash) => {
    const { server, log } = await serve(crash);
    const response = await fetch(server.url);
    const text = await response.text();
    expect(response.status).toBe(500);
    expect(response.headers.get("Content-Type")).toBe("application/problem+json");
    const requestId = response.headers.get("X-Request-Id");
    expect(JSON.parse(text)).toMatchObject({ status: 500, code: "internal_error", requestId });
    expect(loggedIds(log)).toEqual([requestId]);
    expect(text).not.toContain("hunter2");
    expect(log.lines).toMatchObject([{ level: "error", fields: { error: { message: "hunter2" } } }]);
  });
});

describe("a server", () => {
  const hasIpv6 = Object.values(networkInterfaces()).some((addresses) =>
    addresses?.some(({ address }) => address === "::1"),
  );

  it.skipIf(!hasIpv6)("returns its URL with brackets on IPv6", async () => {
    const { server } = await serve(undefined, { host: "::1" });
    expect(server.url).toMatch(/^http:\/\/\[::1\]:\d+$/);
  });
});
