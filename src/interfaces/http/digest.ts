import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";

const UTF_8 = new TextEncoder();

/** The first bytes of the SHA-256 digest of a value's JSON, in hexadecimal. */
export function jsonDigest(value: unknown, bytes: number): string {
  return bytesToHex(sha256(UTF_8.encode(JSON.stringify(value))).subarray(0, bytes));
}
