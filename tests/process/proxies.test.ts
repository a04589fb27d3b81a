import { Hono } from "hono";
import { afterEach, describe, expect, it } from "vitest";
import { clientAddress, countedHosts, proxyList, requestAddress } from "../../src/interfaces/node/client-address.ts";
import { PROXIES, type RunningProxy } from "../support/proxies.ts";
import { closeServers, dial, heldFetch, parseAnswer, readToEnd, serve, type Fetch } from "../support/raw-http.ts";

const MIB = 1_048_576;
/** Longer than Node's default timeout for an idle connection: 5 seconds, plus one for the network. */
const IDLE_MS = 6500;

const running: RunningProxy[] = [];

afterEach(async () => {
  for (const proxy of running.splice(0)) await proxy.end();
  await closeServers();
});

const hostOf = countedHosts(proxyList(["127.0.0.1"]));
const get = "GET / HTTP/1.1\r\nHost: quire\r\nConnection: close\r\n\r\n";
const post = (length: number) =>
  `POST / HTTP/1.1\r\nHost: quire\r\nConnection: close\r\nContent-Length: ${length}\r\n\r\n`;

describe.each(PROXIES)("behind $name", ({ skipReason, keepsConnections, start }) => {
  const title = skipReason === null ? "a server" : `a server (skipped: ${skipReason})`;

  describe.skipIf(skipReason !== null)(title, () => {
    const behindProxy = async (fetch: Fetch, limits = {}) => {
      const served = await serve(fetch, { addressOf: requestAddress(hostOf), limits });
      const proxy = await start(served.port);
      running.push(proxy);
      return { ...served, proxyPort: proxy.port, proxyUrl: `http://127.0.0.1:${proxy.port}` };
    };

    /** The status and the body of an answer to one request of a client at an address. */
    const send = async (port: number, from: string, request: string) => {
      const socket = await dial(port, { from });
      const answer = readToEnd(socket);
      socket.write(request);
      const { statusLine, body } = parseAnswer(await answer);
      return { status: Number(statusLine.split(" ")[1]), body };
    };

    it(
      "answers requests on an idle connection without a 502",
      async () => {
        const peers = new Set<number | undefined>();
        const app = new Hono<{ Bindings: Parameters<Fetch>[1] }>().post("/", async (c) => {
          peers.add(c.env.incoming.socket.remotePort);
          return c.text(await c.req.text());
        });
        const { proxyPort } = await behindProxy(app.fetch);
        for (let round = 0; round < 2; round++) {
          expect(await send(proxyPort, "127.0.0.2", `${post(4)}body`)).toEqual({ status: 200, body: "body" });
          if (round === 0) await new Promise((settle) => setTimeout(settle, IDLE_MS));
        }
        if (keepsConnections) expect(peers.size, "the connection was reused").toBe(1);
      },
      IDLE_MS + 60_000,
    );

    it("delivers its early refusal of an upload to the client", async () => {
      const { proxyPort } = await behindProxy(() => new Response("refused", { status: 401 }));
      for (let round = 0; round < 3; round++) {
        const socket = (await dial(proxyPort)).pause();
        socket.write(post(20 * MIB));
        for (let sent = 0; sent < 20; sent++) await new Promise((settle) => socket.write(Buffer.alloc(MIB), settle));
        const answer = readToEnd(socket);
        socket.resume();
        const { statusLine, body } = parseAnswer(await answer);
        expect(statusLine).toBe("HTTP/1.1 401 Unauthorized");
        expect(body).toContain("refused");
      }
    });

    it("sees the address of the client", async () => {
      const address = clientAddress(hostOf);
      const { proxyPort } = await behindProxy(new Hono().get("/", (c) => c.text(address(c))).fetch);
      for (const from of ["127.0.0.2", "127.0.0.3"]) {
        expect((await send(proxyPort, from, get)).body).toContain(from);
        const forged = get.replace("Connection", "X-Forwarded-For: 192.0.2.1\r\nConnection");
        expect((await send(proxyPort, from, forged)).body).toContain(from);
      }
    });

    it("applies its bounds to each client and not to the proxy", async () => {
      const { fetch: hold, count, release } = heldFetch();
      const { proxyPort } = await behindProxy(hold, { maxRequestsPerAddress: 2 });
      const greedy = [send(proxyPort, "127.0.0.2", get), send(proxyPort, "127.0.0.2", get)];
      await expect.poll(count).toBe(2);
      expect((await send(proxyPort, "127.0.0.2", get)).status).toBe(429);
      const other = send(proxyPort, "127.0.0.3", get);
      await expect.poll(count).toBe(3);
      release();
      for (const { status } of await Promise.all([...greedy, other])) expect(status).toBe(200);
    });

    it("drains running requests at its shutdown without a 502", async () => {
      const { fetch: hold, count, release } = heldFetch();
      const { server, proxyPort } = await behindProxy(hold);
      const sent = Array.from({ length: 10 }, async () => send(proxyPort, "127.0.0.2", `${post(4)}body`));
      await expect.poll(count).toBe(10);
      const closed = server.close(60_000);
      release();
      for (const { status } of await Promise.all(sent)) expect(status).toBe(200);
      await closed;
    });
  });
});
