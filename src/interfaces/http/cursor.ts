import { sha256 } from "@noble/hashes/sha2.js";
import { parseId, type Id } from "../../domain/id.ts";

const ID_BYTES = 16;
const CHECK_BYTES = 8;
const FORM = /^[A-Za-z0-9_-]{32}$/;

/**
 * A place in a list, as an opaque text: the id that a page ended with and a check over it and the list's name. A cursor
 * that was made up, cut, changed or taken from another list is told from a true one without a secret, so it holds on
 * every server and over every restart. It grants nothing: what a page shows is decided anew by who asks.
 */
export function encodeCursor(list: string, id: Id<string>): string {
  const bytes = new Uint8Array(ID_BYTES + CHECK_BYTES);
  bytes.set(idBytes(id));
  bytes.set(check(list, id), ID_BYTES);
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_");
}

/** The id in a cursor of this list; `null` when it is none. */
export function decodeCursor<AnId extends Id<string>>(list: string, cursor: string): AnId | null {
  if (!FORM.test(cursor)) return null;
  const bytes = Uint8Array.from(atob(cursor.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
  const id = idFrom<AnId>(bytes.subarray(0, ID_BYTES));
  if (id === null) return null;
  const expected = check(list, id);
  return expected.every((byte, index) => byte === bytes[ID_BYTES + index]) ? id : null;
}

function check(list: string, id: Id<string>): Uint8Array {
  return sha256(new TextEncoder().encode(`${list} ${id}`)).subarray(0, CHECK_BYTES);
}

function idBytes(id: Id<string>): number[] {
  return (id.replaceAll("-", "").match(/../g) ?? []).map((pair) => Number.parseInt(pair, 16));
}

function idFrom<AnId extends Id<string>>(bytes: Uint8Array): AnId | null {
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  const uuid = hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
  return parseId<AnId>(uuid).unwrapOr(null);
}
