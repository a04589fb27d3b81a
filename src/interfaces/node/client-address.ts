import type { IncomingMessage } from "node:http";
import { BlockList, isIP, isIPv4, isIPv6 } from "node:net";
import type { HttpBindings } from "@hono/node-server";
import { LRUCache } from "lru-cache";
import type { ClientAddress } from "../http/middleware/rate-limits.ts";

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

/** For how many that were seen lately it is remembered what they are: to find it out takes as long as to route a request. */
const MAX_CACHED = 10_000;
/** With zone, brackets and port. What is longer is no address, and not remembered whole. */
const MAX_ADDRESS = 80;

interface Host {
  /** What its requests count for. */
  readonly counted: string;
  readonly isTrusted: boolean;
}

/** Of a peer that has gone already: all of those count as one. */
const UNKNOWN: Host = { counted: "unknown", isTrusted: false };

/** Finds the host that a request counts for, from its peer and its X-Forwarded-For. */
export type HostOf = (peer: string | undefined, forwardedFor: string | undefined) => Host;

/**
 * The address that a request comes from: an IPv4 address, or the /64 of an IPv6 address, as one host has all of that. It
 * is the peer's, or, when that is a trusted proxy, what the proxy has appended to X-Forwarded-For, and so on through all
 * trusted proxies. What a client wrote there itself stands before that, and is not reached. A Forwarded header (RFC
 * 7239) is not read: a proxy that writes the one passes the other on as the client has sent it.
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

/** The client's address, for the limits of the API. */
export function clientAddress(hostOf: HostOf): ClientAddress {
  return (c) =>
    hostOf((c.env as HttpBindings | undefined)?.incoming.socket.remoteAddress, c.req.header("X-Forwarded-For")).counted;
}

/**
 * The client's address, for the bounds of the server; `null` where a trusted proxy names none. Its clients are many, so they
 * do not count as one there.
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

/** V8 makes a slice that keeps the whole header in memory with it. The characters of a header are bytes. */
function copyOf(slice: string): string {
  return Buffer.from(slice, "latin1").toString("latin1");
}

/** An address without port, brackets and zone, an IPv4-mapped one as IPv4; `null` for what is none. */
function plainAddress(written: string): string | null {
  const text = written.replace(/^\[(.*)\](?::\d+)?$|^([\d.]+):\d+$/, "$1$2");
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
