/** More arguments of a call may exceed the stack. */
const CHUNK_BYTES = 8192;

/** Base64 with padding (RFC 4648, 4), on every runtime. */
export function toBase64(bytes: Uint8Array): string {
  const chunks: string[] = [];
  for (let start = 0; start < bytes.length; start += CHUNK_BYTES) {
    chunks.push(String.fromCharCode(...bytes.subarray(start, start + CHUNK_BYTES)));
  }
  return btoa(chunks.join(""));
}

/** Reads base64, with or without padding. Throws for any other text. */
export function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}
