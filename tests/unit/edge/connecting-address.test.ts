import { expect, it } from "vitest";
import { connectingAddress } from "../../../src/interfaces/edge/connecting-address.ts";

const addressOf = (header: string | undefined) =>
  connectingAddress({ req: { header: () => header } } as unknown as Parameters<typeof connectingAddress>[0]);

it.each([
  ["an IPv4 address as it is", "192.0.2.1", "192.0.2.1"],
  ["an IPv6 address by its /64 network", "2001:db8:0:1:aaaa:bbbb:cccc:dddd", "2001:db8:0:1::/64"],
  ["another address of that network as the same client", "2001:DB8::1:0:0:0:1", "2001:db8:0:1::/64"],
  ["an IPv4-mapped address as IPv4", "::ffff:192.0.2.1", "192.0.2.1"],
  ["a request without the header as unknown", undefined, "unknown"],
  ["a header without an address as unknown", "x".repeat(10_000), "unknown"],
  ["a header that breaks out of a URL as unknown", "::1]@example.org/[", "unknown"],
])("counts %s", (_, header, expected) => {
  expect(addressOf(header)).toBe(expected);
});
