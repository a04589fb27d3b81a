import type { ClientAddress } from "../http/middleware/rate-limits.ts";
import { networkOf } from "../http/network-of.ts";

/** Cloudflare sets this header, and replaces that of a client. */
const CONNECTING_ADDRESS = "CF-Connecting-IP";

/** All clients without an address count as one. */
const UNKNOWN = "unknown";

/** The client address for the rate limits: an IPv4 address, or the /64 network of an IPv6 address. */
export const connectingAddress: ClientAddress = (c) => {
  const address = c.req.header(CONNECTING_ADDRESS)?.replace(/^::ffff:(?=[\d.]+$)/i, "") ?? "";
  if (/^\d{1,3}(?:\.\d{1,3}){3}$/.test(address)) return address;
  const isIPv6 = /^[\da-f:.]+$/i.test(address) && URL.canParse(`http://[${address}]`);
  return isIPv6 ? networkOf(address) : UNKNOWN;
};
