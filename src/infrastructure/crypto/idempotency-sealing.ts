/** The format of a sealed result, which every cipher reads and writes: base64 of nonce, authentication tag and ciphertext. */
export const NONCE_BYTES = 12;
export const TAG_BYTES = 16;

/** The size of each of the three secrets that HKDF derives from a key: digest, key of the HMAC, key of AES-256-GCM. */
export const SECRET_BYTES = 32;
export const HKDF_INFO = "quire idempotency";

/**
 * Ciphertext does not compress, so the text is compressed before. Shorter texts gain nothing. Texts with a session's
 * token are shorter, so that their length reveals nothing about the token.
 */
export const MIN_COMPRESSED_BYTES = 1024;

/** The first byte of compressed data (deflate, RFC 1951). An uncompressed text begins with a printable character. */
export const COMPRESSED = 1;
