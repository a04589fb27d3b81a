import type { Database } from "better-sqlite3";
import type { SqliteOptions } from "./sqlite-storage.ts";

/** The bytes of an account as the domain counts them: each row has a constant size beside its texts. */
const USAGE = `select
  (select coalesce(sum(@rowBytes + octet_length(title) + octet_length(content)), 0) from posts where author_id = @userId) +
  (select coalesce(sum(@rowBytes + octet_length(result)), 0) from replay_records where user_id = @userId) as bytes`;
const ROW_BYTES = 1024;

/** Whether an account may store additional bytes. */
export function hasRoomFor(db: Database, bytes: number, userId: string, { accountQuotaBytes }: SqliteOptions): boolean {
  if (accountQuotaBytes === 0) return true;
  const usage = db.prepare<[object], { readonly bytes: number }>(USAGE).get({ userId, rowBytes: ROW_BYTES });
  return (usage?.bytes ?? 0) + bytes <= accountQuotaBytes;
}
