import type { IncomingMessage } from "node:http";
import { BlockList, isIP, isIPv4, isIPv6 } from "node:net";
import type { HttpBindings } from "@hono/node-server";
import { LRUCache } from "lru-cache";
import type { ClientAddress } from "../http/middleware/rate-limits.ts";
import { networkOf } from "../http/network-of.ts";

/** The trusted proxies: addresses, and networks in CIDR notation. */
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

/** Whether a text is an address or a network in CIDR notation. */
export function isProxy(text: string): boolean {
  const [address = "", prefix, ...rest] = text.split("/");
  const bits = isIPv4(address) ? 32 : isIPv6(address) ? 128 : 0;
  const isWhole = prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= bits);
  return bits > 0 && rest.length === 0 && isWhole;
}

/** The size of the cache of parsed addresses. Parsing one takes as long as routing a request. */
const MAX_CACHED = 10_000;
/** The longest address with zone, brackets and port. */
const MAX_ADDRESS = 80;

interface Host {
  /** The key for counting its requests: an IPv4 address, or the /64 network of an IPv6 address. */
  readonly counted: string;
  readonly isTrusted: boolean;
}

/** The address of every peer that has disconnected already, so all such peers count as one. */
const UNKNOWN: Host = { counted: "unknown", isTrusted: false };

/** Finds the client of a request from its peer address and its X-Forwarded-For. */
export type HostOf = (peer: string | undefined, forwardedFor: string | undefined) => Host;

/**
 * Finds the client of a request: an IPv4 address, or the /64 network of an IPv6 address, which belongs to one host. The
 * walk starts at the peer. While the current address is a trusted proxy, it continues with the entry before it in
 * X-Forwarded-For. Entries that the client has forged come first in the header, so the walk does not reach them. The
 * Forwarded header (RFC 7239) is ignored: a proxy that writes one of the two headers forwards the other unchecked.
 */
export function countedHosts(proxies: BlockList): HostOf {
  const hosts = new LRUCache<string, Host>({ max: MAX_CACHED });
  const hostAt = (written = ""): Host => {
    const text = written.trim().slice(0, MAX_ADDRESS);
    const known = hosts.get(text);
    if (known !== undefined) return known;
    const host = readHost(text, proxies);
    hosts.set(copyOf(text), host);
    return host;
  };
  return (peer, forwardedFor) => {
    let host = hostAt(peer);
    const hops = host.isTrusted ? (forwardedFor?.split(",") ?? []) : [];
    while (host.isTrusted) {
      const before = hostAt(hops.pop());
      if (before === UNKNOWN) break;
      host = before;
    }
    return host;
  };
}

/** The client address for the rate limits of the API. A request that no server of Node received has none. */
export function clientAddress(hostOf: HostOf): ClientAddress {
  return (c) => {
    const bindings = c.env as Partial<HttpBindings> | undefined;
    return hostOf(bindings?.incoming?.socket.remoteAddress, c.req.header("X-Forwarded-For")).counted;
  };
}

/**
 * The client address for the bounds of the server; `null` if a trusted proxy reports none. Such a proxy has many
 * clients, so the bounds per address do not apply to it.
 */
export function requestAddress(
  hostOf: HostOf,
): (request: Pick<IncomingMessage, "socket" | "headers">) => string | null {
  return ({ socket, headers }) => {
    const forwardedFor = headers["x-forwarded-for"];
    const host = hostOf(socket.remoteAddress, Array.isArray(forwardedFor) ? forwardedFor.join() : forwardedFor);
    return host.isTrusted ? null : host.counted;
  };
}

function readHost(written: string, proxies: BlockList): Host {
  const address = plainAddress(written);
  if (address === null) return UNKNOWN;
  return isIPv6(address)
    ? { counted: networkOf(address), isTrusted: proxies.check(address, "ipv6") }
    : { counted: address, isTrusted: proxies.check(address) };
}

/** Copies a slice: V8 would keep the whole header in memory with it. The characters of a header are bytes. */
function copyOf(slice: string): string {
  return Buffer.from(slice, "latin1").toString("latin1");
}

/** An address without port, brackets and zone, and an IPv4-mapped address as IPv4; `null` if it is not an address. */
function plainAddress(written: string): string | null {
  const text = written.replace(/^\[(.*)\](?::\d+)?$|^([\d.]+):\d+$/, "$1$2");
  const address = text.replace(/%.*$/, "").replace(/^::ffff:(?=[\d.]+$)/i, "");
  return isIP(address) === 0 ? null : address;
}
