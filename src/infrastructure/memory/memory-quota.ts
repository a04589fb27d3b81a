import { storedRecordBytes } from "../../domain/shared/idempotency-record.ts";
import type { UserId } from "../../domain/shared/id.ts";
import { storedPostBytes } from "../../domain/shared/storage-quota.ts";
import type { MemoryTables } from "./memory-tables.ts";

export interface MemoryOptions {
  /** The maximum number of bytes that an account may store; 0 for no limit. */
  readonly accountQuotaBytes: number;
}

/** Whether an account may store additional bytes. */
export function hasRoomFor(
  bytes: number,
  userId: UserId,
  { posts, idempotencyKeys }: MemoryTables,
  { accountQuotaBytes }: MemoryOptions,
): boolean {
  if (accountQuotaBytes === 0) return true;
  let stored = 0;
  for (const post of posts.values()) if (post.authorId === userId) stored += storedPostBytes(post);
  for (const record of idempotencyKeys.values()) if (record.userId === userId) stored += storedRecordBytes(record);
  return stored + bytes <= accountQuotaBytes;
}
