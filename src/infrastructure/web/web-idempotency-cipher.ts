import { bytesToHex, concatBytes } from "@noble/hashes/utils.js";
import type { IdempotencyCipher } from "../../application/ports/idempotency-cipher.ts";
import type { Fingerprint, KeyDigest, SealedResult } from "../../domain/shared/idempotency-record.ts";
import { fromBase64, toBase64 } from "./base64.ts";
import {
  COMPRESSED,
  HKDF_INFO,
  MIN_COMPRESSED_BYTES,
  NONCE_BYTES,
  SECRET_BYTES,
  TAG_BYTES,
} from "../crypto/idempotency-sealing.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** The cipher of WebCrypto. It opens what {@link nodeIdempotencyCipher} has sealed, and the reverse. */
export const webIdempotencyCipher: IdempotencyCipher = {
  forRequest: async ({ key, owner, operation, body }) => {
    const secrets = await derive(key, owner ?? operation);
    const [digest, authenticating, encrypting] = [0, 1, 2].map((index) =>
      secrets.slice(index * SECRET_BYTES, (index + 1) * SECRET_BYTES),
    ) as [Bytes, Bytes, Bytes];
    const fingerprint = await authenticate(authenticating, `${operation}\n${body}`);
    const aes = await crypto.subtle.importKey("raw", encrypting, "AES-GCM", false, ["encrypt", "decrypt"]);
    const additionalData = utf8(fingerprint);
    return {
      keyDigest: bytesToHex(digest) as KeyDigest,
      fingerprint: fingerprint as Fingerprint,
      seal: async (text) => {
        const iv = crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
        const plain = await compress(utf8(text));
        // WebCrypto appends the tag to the ciphertext. The stored format has it before.
        const encrypted = new Uint8Array(
          await crypto.subtle.encrypt({ name: "AES-GCM", iv, additionalData }, aes, plain),
        );
        const [ciphertext, tag] = [encrypted.subarray(0, -TAG_BYTES), encrypted.subarray(-TAG_BYTES)];
        return toBase64(concatBytes(iv, tag, ciphertext)) as SealedResult;
      },
      open: async (sealed) => {
        const bytes = fromBase64(sealed);
        const iv = bytes.subarray(0, NONCE_BYTES);
        const tag = bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES);
        const encrypted = concatBytes(bytes.subarray(NONCE_BYTES + TAG_BYTES), tag) as Bytes;
        const plain = await crypto.subtle.decrypt({ name: "AES-GCM", iv, additionalData }, aes, encrypted);
        return decompress(new Uint8Array(plain));
      },
    };
  },
};

/** HKDF (RFC 5869). */
async function derive(key: string, salt: string): Promise<Bytes> {
  const material = await crypto.subtle.importKey("raw", utf8(key), "HKDF", false, ["deriveBits"]);
  const parameters = { name: "HKDF", hash: "SHA-256", salt: utf8(salt), info: utf8(HKDF_INFO) };
  return new Uint8Array(await crypto.subtle.deriveBits(parameters, material, 3 * SECRET_BYTES * 8));
}

async function authenticate(secret: Bytes, text: string): Promise<string> {
  const key = await crypto.subtle.importKey("raw", secret, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  return bytesToHex(new Uint8Array(await crypto.subtle.sign("HMAC", key, utf8(text))));
}

async function compress(bytes: Bytes): Promise<Bytes> {
  if (bytes.length < MIN_COMPRESSED_BYTES) return bytes;
  const compressed = await piped(bytes, new CompressionStream("deflate-raw"));
  return concatBytes(Uint8Array.of(COMPRESSED), compressed);
}

async function decompress(bytes: Bytes): Promise<string> {
  const isCompressed = bytes[0] === COMPRESSED;
  const text = isCompressed ? await piped(bytes.subarray(1), new DecompressionStream("deflate-raw")) : bytes;
  return new TextDecoder().decode(text);
}

async function piped(bytes: Bytes, through: ReadableWritablePair<Uint8Array, BufferSource>): Promise<Bytes> {
  const stream = new Blob([bytes]).stream().pipeThrough(through);
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

function utf8(text: string): Bytes {
  return new TextEncoder().encode(text);
}
