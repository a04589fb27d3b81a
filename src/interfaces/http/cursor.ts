import { decodeBase64Url, encodeBase64Url } from "hono/utils/encode";
import { Result } from "neverthrow";
import * as z from "zod";
import { parseId, type Id } from "../../domain/shared/id.ts";
import type { PageCursor } from "../../domain/shared/page.ts";
import { jsonDigest } from "./digest.ts";

/** In characters of base64url. The longest cursor has a title of 300 characters, of four bytes each, as its sort key. */
const MAX_CURSOR_LENGTH = 1_800;
const CHECKSUM_BYTES = 8;
const [ENCODER, DECODER] = [new TextEncoder(), new TextDecoder()];

const Payload = z.tuple([
  z.enum(["forward", "backward"] satisfies PageCursor["direction"][]),
  z.string().nullable(),
  z.string(),
  z.string(),
]);

/**
 * A position in a list as an opaque text: base64url of a JSON array with the direction, the sort key, the id and a
 * checksum. The checksum covers all of these and the name of the list, so a cursor that was altered or belongs to
 * another list is refused. It needs no secret, so cursors work on every server and after a restart. A cursor grants no
 * access: each page decides anew which items its viewer may see. A client can therefore forge a cursor, so the caller
 * must check the sort key.
 */
export function encodeCursor(list: string, { direction, key, id }: PageCursor): string {
  const json = JSON.stringify([direction, key, id, checksum(list, { direction, key, id })]);
  return encodeBase64Url(ENCODER.encode(json).buffer).replaceAll("=", "");
}

/** The position in a cursor of this list; `null` for any other text. */
export function decodeCursor<AnId extends Id<string>>(list: string, cursor: string): PageCursor<AnId> | null {
  if (cursor.length > MAX_CURSOR_LENGTH) return null;
  const payload = Payload.safeParse(parseCursor(cursor).unwrapOr(null));
  if (!payload.success) return null;
  const [direction, key, rawId] = payload.data;
  const id = parseId<AnId>(rawId).unwrapOr(null);
  if (id === null) return null;
  const position = { direction, key, id };
  // Each position has one cursor. This comparison checks the checksum, and that the base64url and the JSON are canonical.
  return encodeCursor(list, position) === cursor ? position : null;
}

function checksum(list: string, { direction, key, id }: PageCursor): string {
  return jsonDigest([list, direction, key, id], CHECKSUM_BYTES);
}

const parseCursor = Result.fromThrowable((cursor: string): unknown =>
  JSON.parse(DECODER.decode(decodeBase64Url(cursor))),
);
