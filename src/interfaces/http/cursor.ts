import { sha256 } from "@noble/hashes/sha2.js";
import { parseId, type Id } from "../../domain/shared/id.ts";
import type { PageCursor } from "../../domain/shared/page.ts";

const DIRECTIONS = ["forward", "backward"] as const;
const ID_BYTES = 16;
const CHECK_BYTES = 8;
const KEY_FROM = 1 + ID_BYTES + CHECK_BYTES;
/** In base64url; the longest is of 300 characters of four bytes. */
const FORM = /^[A-Za-z0-9_-]{34,1700}$/;

/**
 * A place in a list, as an opaque text: where it goes, the id, a check over all of it and the list's name, and the key. A
 * cursor that was made up, cut, changed or taken from another list is told from a true one without a secret, so it holds on
 * every server and over every restart. It grants nothing: what a page shows is decided anew by who asks.
 */
export function encodeCursor(list: string, position: PageCursor): string {
  const key = new TextEncoder().encode(position.key ?? "");
  const bytes = new Uint8Array(KEY_FROM + key.length);
  bytes[0] = DIRECTIONS.indexOf(position.direction);
  bytes.set(idBytes(position.id), 1);
  bytes.set(check(list, position), 1 + ID_BYTES);
  bytes.set(key, KEY_FROM);
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
}

/** The place in a cursor of this list; `null` when it is none. */
export function decodeCursor<AnId extends Id<string>>(list: string, cursor: string): PageCursor<AnId> | null {
  // No number of bytes has four characters and one more.
  if (!FORM.test(cursor) || cursor.length % 4 === 1) return null;
  const bytes = Uint8Array.from(atob(cursor.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
  const direction = DIRECTIONS[bytes[0] ?? -1];
  const id = idFrom<AnId>(bytes.subarray(1, 1 + ID_BYTES));
  if (direction === undefined || id === null) return null;
  const position = { direction, id, key: new TextDecoder().decode(bytes.subarray(KEY_FROM)) || null };
  // One place has one cursor: what else could be read as it is none, such as one that ends in other bits of no meaning.
  return encodeCursor(list, position) === cursor ? position : null;
}

function check(list: string, { direction, id, key }: PageCursor): Uint8Array {
  return sha256(new TextEncoder().encode(JSON.stringify([list, direction, id, key]))).subarray(0, CHECK_BYTES);
}

function idBytes(id: Id<string>): number[] {
  return (id.replaceAll("-", "").match(/../g) ?? []).map((pair) => Number.parseInt(pair, 16));
}

function idFrom<AnId extends Id<string>>(bytes: Uint8Array): AnId | null {
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  const uuid = hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
  return parseId<AnId>(uuid).unwrapOr(null);
}
