import type { Socket } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { countedHosts, proxyList, requestAddress } from "../../../src/interfaces/node/client-address.ts";
import { closeOf, closeServers, dial, readUntil, serve } from "../../support/raw-http.ts";

afterEach(closeServers);

/** An open connection on which the server has answered a request. */
async function idleConnection(port: number, from: string): Promise<Socket> {
  const socket = await dial(port, { from });
  socket.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  await readUntil(socket, "fine");
  return socket;
}

/** A connection that the server closes immediately. */
async function expectRefused(port: number, from: string): Promise<void> {
  const socket = await dial(port, { from });
  await closeOf(socket.resume());
}

describe("the bound of connections", () => {
  it("closes each connection above it immediately, and logs that once", async () => {
    const { port, log } = await serve(undefined, { maxConnections: 4 });
    const open: Socket[] = [];
    for (const from of ["127.0.0.2", "127.0.0.2", "127.0.0.3", "127.0.0.3"])
      open.push(await idleConnection(port, from));
    await expectRefused(port, "127.0.0.4");
    await expectRefused(port, "127.0.0.4");
    expect(log.lines).toMatchObject([{ level: "warn", fields: { maxConnections: 4, maxPerAddress: 2 } }]);

    const closed = closeOf(open[0] as Socket);
    open[0]?.destroy();
    await closed;
    await expect.poll(async () => (await tryIdle(port, "127.0.0.4")) !== null).toBe(true);
    for (const socket of open) socket.destroy();
  });

  it("leaves one address at most half of the connections", async () => {
    const { port } = await serve(undefined, { maxConnections: 4 });
    const greedy = [await idleConnection(port, "127.0.0.2"), await idleConnection(port, "127.0.0.2")];
    for (let more = 0; more < 5; more++) await expectRefused(port, "127.0.0.2");
    const other = await idleConnection(port, "127.0.0.3");
    greedy[0]?.destroy();
    await expect.poll(async () => (await tryIdle(port, "127.0.0.2")) !== null).toBe(true);
    for (const socket of [...greedy, other]) socket.destroy();
  });

  it("lets a trusted proxy have all connections", async () => {
    const addressOf = requestAddress(countedHosts(proxyList(["127.0.0.9"])));
    const { port } = await serve(undefined, { maxConnections: 4, addressOf });
    const open: Socket[] = [];
    for (let more = 0; more < 4; more++) open.push(await idleConnection(port, "127.0.0.9"));
    for (const socket of open) socket.destroy();
  });
});

async function tryIdle(port: number, from: string): Promise<Socket | null> {
  return idleConnection(port, from).catch(() => null);
}
