import type { PasswordHash } from "../../domain/user/password.ts";
import type { PasswordAlgorithm } from "./password-algorithm.ts";

const ITERATIONS = 600_000;
const SALT_BYTES = 16;
const HASH_BYTES = 32;

const FORMAT = /^\$pbkdf2-sha256\$i=(\d{1,8})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/;

/**
 * PBKDF2-HMAC-SHA-256 (RFC 8018, 5.2) with the 600,000 iterations that the OWASP Password Storage Cheat Sheet
 * recommends. It needs WebCrypto alone, so it runs on every edge runtime.
 */
export const pbkdf2: PasswordAlgorithm = {
  name: "pbkdf2-sha256",

  hash: async (password) => {
    const salt = crypto.getRandomValues(new Uint8Array(SALT_BYTES));
    const derived = await derive(password, salt, ITERATIONS, HASH_BYTES);
    return `$pbkdf2-sha256$i=${ITERATIONS}$${toBase64(salt)}$${toBase64(derived)}` as PasswordHash;
  },

  verify: async (password, stored) => {
    const [, iterations = "", salt = "", expected = ""] = FORMAT.exec(stored) ?? [];
    if (expected === "") throw new Error("The stored hash is not in the form of pbkdf2-sha256.");
    const expectedBytes = fromBase64(expected);
    const derived = await derive(password, fromBase64(salt), Number(iterations), expectedBytes.length);
    return equalInConstantTime(derived, expectedBytes);
  },

  isCurrent: (stored) => Number(FORMAT.exec(stored)?.[1]) >= ITERATIONS,
};

async function derive(password: string, salt: Uint8Array<ArrayBuffer>, iterations: number, bytes: number) {
  const key = await crypto.subtle.importKey("raw", new TextEncoder().encode(password), "PBKDF2", false, ["deriveBits"]);
  const parameters = { name: "PBKDF2", hash: "SHA-256", salt, iterations };
  return new Uint8Array(await crypto.subtle.deriveBits(parameters, key, bytes * 8));
}

function equalInConstantTime(a: Uint8Array, b: Uint8Array): boolean {
  let difference = a.length ^ b.length;
  for (const [index, byte] of a.entries()) difference |= byte ^ (b[index] ?? 0);
  return difference === 0;
}

/** Base64 without padding, as the PHC string format asks. */
function toBase64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes)).replaceAll("=", "");
}

function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}
