import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { promisify } from "node:util";
import { constants, deflateRaw, deflateRawSync, inflateRaw } from "node:zlib";
import type { IdempotencyCipher } from "../../application/ports/idempotency-cipher.ts";
import type { Fingerprint, KeyDigest, SealedResult } from "../../domain/shared/idempotency-record.ts";
import { hkdf, hmac } from "./hkdf.ts";
import {
  COMPRESSED,
  HKDF_INFO,
  MIN_COMPRESSED_BYTES,
  NONCE_BYTES,
  SECRET_BYTES,
  TAG_BYTES,
} from "./idempotency-sealing.ts";

const CIPHER = "aes-256-gcm";
/** Longer texts are compressed on another thread. For shorter ones the thread switch takes longer than the compression. */
const MIN_THREAD_BYTES = 32_768;
/** The fastest level: half the time of the default level, for a tenth more bytes of prose. */
const COMPRESSION = { level: constants.Z_BEST_SPEED };

/**
 * The cipher of Node's crypto. HKDF (RFC 5869) derives three secrets from the idempotency key: the digest that finds
 * the record, the key of the HMAC for the fingerprint, and the key of AES-256-GCM. A result may hold a session's token,
 * and a body may hold a password. A person who has the database but cannot guess the key can read neither.
 */
export const nodeIdempotencyCipher: IdempotencyCipher = {
  forRequest: async ({ key, owner, operation, body }) => {
    const secrets = (count: number) => hkdf(key, owner ?? operation, HKDF_INFO, count * SECRET_BYTES);
    const digestAndAuthenticating = secrets(2);
    const digest = digestAndAuthenticating.subarray(0, SECRET_BYTES);
    const authenticating = digestAndAuthenticating.subarray(SECRET_BYTES);
    // Only a result with a secret is sealed, so its key is derived at its first use.
    const encrypting = () => secrets(3).subarray(2 * SECRET_BYTES);
    const fingerprint = hmac(authenticating, Buffer.from(`${operation}\n${body}`)).toString("hex");
    return {
      keyDigest: digest.toString("hex") as KeyDigest,
      fingerprint: fingerprint as Fingerprint,
      seal: async (text) => {
        const nonce = randomBytes(NONCE_BYTES);
        const cipher = createCipheriv(CIPHER, encrypting(), nonce).setAAD(Buffer.from(fingerprint));
        const encrypted = Buffer.concat([cipher.update(await compress(text)), cipher.final()]);
        return Buffer.concat([nonce, cipher.getAuthTag(), encrypted]).toString("base64") as SealedResult;
      },
      open: async (sealed) => {
        const bytes = Buffer.from(sealed, "base64");
        const decipher = createDecipheriv(CIPHER, encrypting(), bytes.subarray(0, NONCE_BYTES))
          .setAAD(Buffer.from(fingerprint))
          .setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
        return decompress(Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES)), decipher.final()]));
      },
    };
  },
};

async function compress(text: string): Promise<Buffer> {
  const bytes = Buffer.from(text);
  if (bytes.length < MIN_COMPRESSED_BYTES) return bytes;
  const compressed =
    bytes.length < MIN_THREAD_BYTES
      ? deflateRawSync(bytes, COMPRESSION)
      : await promisify<Buffer, typeof COMPRESSION, Buffer>(deflateRaw)(bytes, COMPRESSION);
  return Buffer.concat([Buffer.of(COMPRESSED), compressed]);
}

async function decompress(bytes: Buffer): Promise<string> {
  const isCompressed = bytes[0] === COMPRESSED;
  const text = isCompressed ? await promisify<Buffer, Buffer>(inflateRaw)(bytes.subarray(1)) : bytes;
  return text.toString();
}
