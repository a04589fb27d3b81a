import { Hono, type Context } from "hono";
import { describe, expect, it } from "vitest";
import { clientAddress, countedHosts, proxyList } from "../../../src/interfaces/node/client-address.ts";
import { heldBytes } from "../../support/heap.ts";

/** The client address of a request from a peer with an X-Forwarded-For header. */
async function addressOf(peer: string | undefined, forwarded?: string, proxies: readonly string[] = []) {
  const address = clientAddress(countedHosts(proxyList(proxies)));
  const app = new Hono().get("/", (c) => c.text(address(c)));
  const headers = forwarded === undefined ? {} : { "X-Forwarded-For": forwarded };
  const reply = await app.request("/", { headers }, { incoming: { socket: { remoteAddress: peer } } });
  return reply.text();
}

describe("clientAddress", () => {
  it("caches an address without keeping the header in memory", async () => {
    const address = clientAddress(countedHosts(proxyList(["10.0.0.0/8"])));
    const incoming = { socket: { remoteAddress: "10.0.0.1" } };
    const bytes = await heldBytes(() => {
      for (let client = 0; client < 10_000; client++) {
        const forwarded = `${"x".repeat(14_000)}, 2001:db8:0:${client.toString(16)}:aaaa:bbbb:cccc:dddd`;
        const c = { env: { incoming }, req: { header: () => forwarded } };
        address(c as unknown as Context);
      }
      return address;
    });
    expect(bytes).toBeLessThan(20_000_000);
  });

  it.each([
    ["203.0.113.7", "203.0.113.7"],
    ["::ffff:203.0.113.7", "203.0.113.7"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
    ["2001:DB8:1:2::6", "2001:db8:1:2::/64"],
    ["2001:db8::6", "2001:db8:0:0::/64"],
    ["2001:db8::1:2:3:4:5", "2001:db8:0:1::/64"],
    ["fe80::1%eth0", "fe80:0:0:0::/64"],
    ["::1", "0:0:0:0::/64"],
    [undefined, "unknown"],
  ])("reads a peer at %s as %s", async (peer, address) => {
    expect(await addressOf(peer)).toBe(address);
  });

  it("is unknown outside of a server", async () => {
    const address = clientAddress(countedHosts(proxyList([])));
    const reply = await new Hono().get("/", (c) => c.text(address(c))).request("/");
    expect(await reply.text()).toBe("unknown");
  });

  it("ignores the X-Forwarded-For of an untrusted peer", async () => {
    expect(await addressOf("203.0.113.7", "198.51.100.1")).toBe("203.0.113.7");
    expect(await addressOf("203.0.113.7", "198.51.100.1", ["10.0.0.0/8"])).toBe("203.0.113.7");
  });

  it.each([
    ["198.51.100.1", "198.51.100.1"],
    ["192.0.2.66, 198.51.100.1", "198.51.100.1"],
    ["192.0.2.66, 198.51.100.1, 10.9.9.9", "198.51.100.1"],
    ["10.1.1.1, 10.2.2.2", "10.1.1.1"],
    ["198.51.100.1:4711", "198.51.100.1"],
    ["[2001:db8:1:2::3]:4711", "2001:db8:1:2::/64"],
    ["2001:db8:1:2::3", "2001:db8:1:2::/64"],
    ["::ffff:198.51.100.1", "198.51.100.1"],
    ["198.51.100.1, unknown", "10.0.0.1"],
    ["198.51.100.1,", "10.0.0.1"],
    ["", "10.0.0.1"],
  ])("walks X-Forwarded-For %j past trusted proxies to %s", async (forwarded, address) => {
    expect(await addressOf("10.0.0.1", forwarded, ["10.0.0.0/8"])).toBe(address);
    expect(await addressOf("::ffff:10.0.0.1", forwarded, ["10.0.0.0/8"])).toBe(address);
  });

  it("matches proxies by address and by network, for IPv4 and IPv6", async () => {
    for (const [peer, proxies] of [
      ["192.0.2.1", ["192.0.2.1"]],
      ["::1", ["10.0.0.0/8", "::1"]],
      ["fd00:1::5", ["fd00::/8"]],
    ] as const) {
      expect(await addressOf(peer, "198.51.100.1", proxies)).toBe("198.51.100.1");
    }
    expect(await addressOf("192.0.2.2", "198.51.100.1", ["192.0.2.1"])).toBe("192.0.2.2");
  });
});
