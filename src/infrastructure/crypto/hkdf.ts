import { hash } from "node:crypto";

const BLOCK_BYTES = 64;
const HASH_BYTES = 32;
const INNER_PAD = 0x36;
const OUTER_PAD = 0x5c;

/**
 * HMAC-SHA-256 (RFC 2104) of a short message. `createHmac` allocates an OpenSSL context for each use, which takes longer than both
 * hashes.
 */
export function hmac(key: Uint8Array, message: Uint8Array): Buffer {
  const blockKey = key.length > BLOCK_BYTES ? sha256(key) : key;
  const inner = Buffer.allocUnsafe(BLOCK_BYTES + message.length);
  const outer = Buffer.allocUnsafe(BLOCK_BYTES + HASH_BYTES);
  for (let index = 0; index < BLOCK_BYTES; index++) {
    const byte = blockKey[index] ?? 0;
    inner[index] = byte ^ INNER_PAD;
    outer[index] = byte ^ OUTER_PAD;
  }
  inner.set(message, BLOCK_BYTES);
  outer.set(sha256(inner), BLOCK_BYTES);
  return sha256(outer);
}

/** Node allocates a digest outside the pool of small buffers, which takes longer than a string of its bytes and a copy. */
function sha256(bytes: Uint8Array): Buffer {
  return Buffer.from(hash("sha256", bytes, "binary"), "binary");
}

/** HKDF-SHA-256 (RFC 5869). `hkdfSync` creates a job of OpenSSL for each use, which costs more than the hashes. */
export function hkdf(secret: string, salt: string, info: string, bytes: number): Buffer {
  const pseudorandomKey = hmac(Buffer.from(salt), Buffer.from(secret));
  const infoBytes = Buffer.from(info);
  const blocks: Buffer[] = [];
  for (let count = 1; blocks.length * HASH_BYTES < bytes; count++) {
    const previous = blocks.at(-1) ?? Buffer.alloc(0);
    blocks.push(hmac(pseudorandomKey, Buffer.concat([previous, infoBytes, Buffer.of(count)])));
  }
  return Buffer.concat(blocks, bytes);
}
