import { once } from "node:events";
import { createServer } from "node:http";
import type { Socket } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { excessOf } from "../../../src/interfaces/node/byte-bound.ts";
import { trackConnections } from "../../../src/interfaces/node/connections.ts";
import type { ServerLimits } from "../../../src/interfaces/node/limits.ts";
import { stallDetector } from "../../../src/interfaces/node/stalled-connections.ts";
import { listening } from "../../support/listening.ts";
import { closeServers, dial, heldFetch, readToEnd, serve } from "../../support/raw-http.ts";

const MIB = 1_048_576;
/** More than the kernel buffers for a client that does not read. */
const ANSWER_BYTES = 16 * MIB;
const GET = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
const large = () => new Response("x".repeat(ANSWER_BYTES));

afterEach(closeServers);

/** Sends a request and does not read the response. Returns the connection when the response is complete. */
async function askWithoutReading(port: number, url: string, from = "127.0.0.1"): Promise<Socket> {
  const socket = await dial(port, { from });
  socket.pause();
  await new Promise((settle) => socket.write(GET, settle));
  await fetch(`${url}/health/live`, { method: "HEAD" });
  return socket;
}

/** Whether the whole response arrives when the client finally reads it. */
async function isWhole(socket: Socket): Promise<boolean> {
  const answer = readToEnd(socket);
  socket.resume();
  return (await answer).length > ANSWER_BYTES;
}

describe("a client that does not read its response", () => {
  it("is disconnected after it has read no byte for the allowed time", async () => {
    const { port, server } = await serve(large, { limits: { stalledAfterMs: 200, maxRequestsPerAddress: 1 } });
    const socket = await askWithoutReading(port, server.url);
    await expect.poll(async () => (await fetch(server.url, { method: "HEAD" })).status, { timeout: 30_000 }).toBe(200);
    expect(await isWhole(socket)).toBe(false);
  });

  it("is not disconnected while the app is still working", async () => {
    let finish = () => {};
    const gate = new Promise<void>((settle) => (finish = settle));
    const hold = async () => {
      await gate;
      return new Response("fine");
    };
    const { port } = await serve(hold, { limits: { stalledAfterMs: 20 } });
    const socket = await dial(port);
    const answer = readToEnd(socket);
    socket.write(GET);
    await new Promise((settle) => setTimeout(settle, 200));
    finish();
    expect(await answer).toContain("fine");
  });
});

describe("a stalled connection", () => {
  const STALLED_AFTER_MS = 30_000;

  it("accepts no byte of its unsent data for the whole time; each byte restarts it", async () => {
    const server = createServer((_, response) => response.end("x".repeat(ANSWER_BYTES)));
    const connections = trackConnections(server);
    const client = await dial(Number(new URL(await listening(server)).port));
    client.pause();
    client.write(GET);
    await once(server, "request");
    const findStalled = stallDetector(STALLED_AFTER_MS);
    const [connection] = connections;
    const settle = async () => {
      // First the kernel fills its buffer.
      let before = -1;
      while (before !== (connection?.socket.writableLength ?? 0) + client.bytesRead) {
        before = (connection?.socket.writableLength ?? 0) + client.bytesRead;
        await new Promise((done) => setTimeout(done, 50));
      }
    };
    await settle();
    expect(findStalled(connections, 0)).toEqual([]);
    expect(findStalled(connections, STALLED_AFTER_MS - 1)).toEqual([]);
    expect(findStalled(connections, STALLED_AFTER_MS)).toEqual([connection]);

    // It reads a part of the one waiting write.
    const read = new Promise<void>((done) => {
      client.on("data", () => {
        if (client.bytesRead < 8 * MIB) return;
        client.pause();
        done();
      });
    });
    client.resume();
    await read;
    await settle();
    expect(connection?.socket.writableLength).toBeGreaterThan(0);
    expect(findStalled(connections, STALLED_AFTER_MS)).toEqual([]);
    expect(findStalled(connections, 2 * STALLED_AFTER_MS - 1)).toEqual([]);
    expect(findStalled(connections, 2 * STALLED_AFTER_MS)).toEqual([connection]);
    client.destroy();
    server.close();
    server.closeAllConnections();
  });

  it("has unsent data", async () => {
    const server = createServer((_, response) => response.end("fine"));
    const connections = trackConnections(server);
    const client = await dial(Number(new URL(await listening(server)).port));
    client.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    await once(client, "data");
    const findStalled = stallDetector(STALLED_AFTER_MS);
    for (const nowMs of [0, STALLED_AFTER_MS, 10 * STALLED_AFTER_MS])
      expect(findStalled(connections, nowMs)).toEqual([]);
    client.destroy();
    server.close();
  });
});

describe("the bound of unsent responses", () => {
  /** Answers requests of these addresses at the same moment, after all have been admitted. No client reads. */
  async function answerAtOnce(addresses: readonly string[], limits: Partial<ServerLimits>) {
    const { fetch: hold, count, release } = heldFetch(large);
    const { port, server } = await serve(hold, { limits: { maxRequestsPerAddress: 1000, ...limits } });
    const readers: Socket[] = [];
    for (const from of addresses) {
      readers.push((await dial(port, { from })).pause());
      readers.at(-1)?.write(GET);
      await expect.poll(count).toBe(readers.length);
    }
    release();
    await fetch(`${server.url}/health/live`, { method: "HEAD" });
    return Promise.all(readers.map(isWhole));
  }

  it("destroys the oldest connections of an address that exceeds its bound", async () => {
    const limits = { maxUnsentBytesPerAddress: 2.5 * ANSWER_BYTES };
    const addresses = ["127.0.0.3", "127.0.0.2", "127.0.0.2", "127.0.0.2", "127.0.0.2"];
    expect(await answerAtOnce(addresses, limits)).toEqual([true, false, false, true, true]);
  });

  it("destroys the oldest connections of the address with the most bytes when the total is exceeded", async () => {
    const limits = { maxUnsentBytes: 3.5 * ANSWER_BYTES };
    const addresses = ["127.0.0.3", "127.0.0.2", "127.0.0.2", "127.0.0.2", "127.0.0.2"];
    expect(await answerAtOnce(addresses, limits)).toEqual([true, false, false, true, true]);
  });

  it("keeps most responses out of memory when many are requested at the same time", async () => {
    const limits = { maxUnsentBytesPerAddress: 4.5 * ANSWER_BYTES };
    const whole = await answerAtOnce(
      Array.from({ length: 30 }, () => "127.0.0.2"),
      limits,
    );
    expect(whole.filter(Boolean)).toHaveLength(4);
  });

  it.each([
    ["above half of the bound of their address", { maxUnsentBytesPerAddress: 1.5 * ANSWER_BYTES }, 429, 200],
    ["above half of the total bound", { maxUnsentBytes: 1.5 * ANSWER_BYTES }, 503, 503],
  ])("refuses new requests %s, until the responses are read", async (_, limits, ownStatus, otherStatus) => {
    const { port, server } = await serve(large, { limits });
    const reader = await askWithoutReading(port, server.url, "127.0.0.2");
    const statusFor = async (from: string) => {
      const socket = await dial(port, { from });
      socket.write("HEAD / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
      return Number((await readToEnd(socket)).split(" ")[1]);
    };
    expect(await statusFor("127.0.0.2")).toBe(ownStatus);
    expect(await statusFor("127.0.0.3")).toBe(otherStatus);
    expect((await fetch(`${server.url}/health/live`, { method: "HEAD" })).status).toBe(200);
    expect(await isWhole(reader)).toBe(true);
    expect(await statusFor("127.0.0.2")).toBe(200);
  });

  it("counts responses in bytes of UTF-8, even if they are pipelined", async () => {
    const wide = () => new Response("€".repeat(ANSWER_BYTES / 3));
    const limits = { maxUnsentBytesPerAddress: 3 * ANSWER_BYTES };
    const { port, server } = await serve(wide, { limits });
    const reader = (await dial(port)).pause();
    reader.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n".repeat(6));
    await expect.poll(async () => (await fetch(server.url, { method: "HEAD" })).status).toBe(200);
    expect(await isWhole(reader)).toBe(false);
  });
});

describe("excessOf", () => {
  const holding = (name: string, bytes: number) => ({ name, address: name === "proxy" ? null : name, bytes });
  const excess = (holdings: readonly ReturnType<typeof holding>[], maxBytes: number, maxBytesPerAddress: number) =>
    excessOf(holdings, { maxBytes, maxBytesPerAddress }).map(({ name, bytes }) => `${name} ${bytes}`);

  it("is empty up to the bound", () => {
    expect(excess([holding("a", 5), holding("b", 5)], 10, 5)).toEqual([]);
    expect(excess([], 10, 5)).toEqual([]);
  });

  it("selects the oldest of an address above its own bound", () => {
    expect(excess([holding("b", 1), holding("a", 3), holding("a", 2), holding("a", 1)], 100, 4)).toEqual(["a 3"]);
  });

  it("selects the oldest of the address with the most bytes until the rest is within the bound", () => {
    const held = [holding("b", 2), holding("a", 3), holding("a", 2), holding("c", 2)];
    expect(excess(held, 6, 100)).toEqual(["a 3"]);
    expect(excess(held, 3, 100)).toEqual(["a 3", "b 2", "a 2"]);
  });

  it("counts a proxy that reports no client in the total only", () => {
    expect(excess([holding("proxy", 5), holding("proxy", 4)], 100, 4)).toEqual([]);
    expect(excess([holding("proxy", 5), holding("proxy", 4), holding("a", 3)], 10, 4)).toEqual(["proxy 5"]);
  });
});
