import { ok, type Result } from "neverthrow";
import type { Branded } from "./branded.ts";
import { refuse, type Violation } from "./violation.ts";

/** A UUID in lower case (RFC 9562). New ids are version 7, so they sort in the order of their creation. */
export type Id<Of extends string> = Branded<string, `${Of}Id`>;

export type UserId = Id<"User">;
export type PostId = Id<"Post">;
export type SessionId = Id<"Session">;

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** The nil UUID, which no row has, and which is less than every other (RFC 9562, 5.9). */
export const NIL_ID = "00000000-0000-0000-0000-000000000000";

/** Parses a UUID of any version in either case. */
export function parseId<AnId extends Id<string>>(raw: string): Result<AnId, Violation> {
  const id = raw.toLowerCase();
  return UUID.test(id) ? ok(id as AnId) : refuse("malformed_id");
}
