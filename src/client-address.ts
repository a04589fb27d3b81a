import { BlockList, isIP, isIPv4, isIPv6 } from "node:net";
import type { HttpBindings } from "@hono/node-server";
import type { ClientAddress } from "./interfaces/http/rate-limits.ts";

/** Whose word about the client's address is believed: addresses, and networks in CIDR notation. */
export function proxyList(proxies: readonly string[]): BlockList {
  const list = new BlockList();
  for (const proxy of proxies) {
    const [address = "", prefix] = proxy.split("/");
    const family = isIPv6(address) ? "ipv6" : "ipv4";
    if (prefix === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(prefix), family);
  }
  return list;
}

/** Whether it is an address, or a network in CIDR notation. */
export function isProxy(text: string): boolean {
  const [address = "", prefix, ...rest] = text.split("/");
  const bits = isIPv4(address) ? 32 : isIPv6(address) ? 128 : 0;
  const isWhole = prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= bits);
  return bits > 0 && rest.length === 0 && isWhole;
}

/**
 * The address that a request comes from: an IPv4 address, or the /64 of an IPv6 address, as one host has all of that. It
 * is the peer's, or, when that is a trusted proxy, what the proxy has appended to X-Forwarded-For, and so on through all
 * trusted proxies. What a client wrote there itself stands before that, and is not reached. A Forwarded header (RFC
 * 7239) is not read: a proxy that writes the one passes the other on as the client has sent it.
 */
export function clientAddress(proxies: BlockList): ClientAddress {
  const isTrusted = (address: string) => proxies.check(address, isIPv6(address) ? "ipv6" : "ipv4");
  return (c) => {
    let address = plainAddress((c.env as HttpBindings | undefined)?.incoming.socket.remoteAddress ?? "");
    // The peer is unknown when it has gone already: all of those count as one.
    if (address === null) return "unknown";
    const hops = c.req.header("X-Forwarded-For")?.split(",") ?? [];
    while (isTrusted(address)) {
      const before = plainAddress(hops.pop() ?? "");
      if (before === null) break;
      address = before;
    }
    return isIPv6(address) ? networkOf(address) : address;
  };
}

/** An address without port, brackets and zone, an IPv4-mapped one as IPv4; `null` for what is none. */
function plainAddress(written: string): string | null {
  const text = written.trim().replace(/^\[(.*)\](?::\d+)?$|^([\d.]+):\d+$/, "$1$2");
  const address = text.replace(/%.*$/, "").replace(/^::ffff:(?=[\d.]+$)/i, "");
  return isIP(address) === 0 ? null : address;
}

/** The first 64 bits of an IPv6 address. */
function networkOf(address: string): string {
  // As RFC 5952 writes it: in lower case, without leading zeros, with one `::` at most.
  const canonical = new URL(`http://[${address}]`).hostname.slice(1, -1);
  const [head = "", tail] = canonical.split("::");
  const first = head === "" ? [] : head.split(":");
  const last = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = Array.from({ length: 8 - first.length - last.length }, () => "0");
  return `${[...first, ...zeros, ...last].slice(0, 4).join(":")}::/64`;
}
