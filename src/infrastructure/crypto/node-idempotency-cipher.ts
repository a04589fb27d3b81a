import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from "node:crypto";
import { promisify } from "node:util";
import { constants, deflateRaw, deflateRawSync, inflateRaw } from "node:zlib";
import type { Fingerprint, KeyDigest, SealedAnswer } from "../../application/ports/idempotency-keys.ts";
import type { Answer, IdempotencyCipher } from "../../application/ports/idempotency-cipher.ts";

const CIPHER = "aes-256-gcm";
const SECRET_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Sealed text does not compress, so it is compressed before. An answer that is shorter gains nothing, and those with a session's
 * token, whose length should tell nothing of it, are.
 */
const MIN_COMPRESSED_BYTES = 1024;
/** A longer answer is compressed beside the event loop; for a shorter one the way to another thread takes longer. */
const MIN_BYTES_FOR_THREAD = 32_768;
/** The fastest level: half the time of the default one, for a tenth more bytes of prose. */
const COMPRESSION = { level: constants.Z_BEST_SPEED };
/** Before what is compressed. Text that is not begins with a brace, as all did that were sealed before there was another form. */
const COMPRESSED = Buffer.of(1);

/**
 * Request seals made with Node's crypto. Everything comes from the idempotency key by HKDF (RFC 5869): a digest to find
 * it by, a secret for the HMAC that is the fingerprint, and one for AES-256-GCM. So neither an answer, which may hold a
 * session's token, nor a body, which may hold a password, can be had from the database by who cannot guess the key.
 */
export const nodeIdempotencyCipher: IdempotencyCipher = {
  of: async ({ key, userId, operation, body }) => {
    const secrets = Buffer.from(hkdfSync("sha256", key, userId ?? operation, "quire idempotency", 3 * SECRET_BYTES));
    const [digest, authenticating, encrypting] = [0, 1, 2].map((index) =>
      secrets.subarray(index * SECRET_BYTES, (index + 1) * SECRET_BYTES),
    ) as [Buffer, Buffer, Buffer];
    const fingerprint = createHmac("sha256", authenticating).update(`${operation}\n${body}`).digest("hex");
    return {
      keyDigest: digest.toString("hex") as KeyDigest,
      fingerprint: fingerprint as Fingerprint,
      seal: async (answer) => {
        const nonce = randomBytes(NONCE_BYTES);
        const cipher = createCipheriv(CIPHER, encrypting, nonce).setAAD(Buffer.from(fingerprint));
        const encrypted = Buffer.concat([cipher.update(await packed(answer)), cipher.final()]);
        return Buffer.concat([nonce, cipher.getAuthTag(), encrypted]).toString("base64") as SealedAnswer;
      },
      open: async (sealed) => {
        const bytes = Buffer.from(sealed, "base64");
        const decipher = createDecipheriv(CIPHER, encrypting, bytes.subarray(0, NONCE_BYTES))
          .setAAD(Buffer.from(fingerprint))
          .setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
        return unpacked(Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES)), decipher.final()]));
      },
    };
  },
};

async function packed(answer: Answer): Promise<Buffer> {
  const text = Buffer.from(JSON.stringify(answer));
  if (text.length < MIN_COMPRESSED_BYTES) return text;
  const compressed =
    text.length < MIN_BYTES_FOR_THREAD
      ? deflateRawSync(text, COMPRESSION)
      : await promisify<Buffer, typeof COMPRESSION, Buffer>(deflateRaw)(text, COMPRESSION);
  return Buffer.concat([COMPRESSED, compressed]);
}

async function unpacked(bytes: Buffer): Promise<Answer> {
  const isCompressed = bytes[0] === COMPRESSED[0];
  const text = isCompressed ? await promisify<Buffer, Buffer>(inflateRaw)(bytes.subarray(1)) : bytes;
  return JSON.parse(text.toString()) as Answer;
}
