import { err, type Result } from "neverthrow";
import type { AbortSignal } from "../../domain/shared/abort-signal.ts";
import type { IdempotencyRecord, KeyDigest } from "../../domain/shared/idempotency-record.ts";
import { cancelledRead, type StorageFailure } from "../../domain/shared/storage-failure.ts";
import type { PostId, SessionId, UserId } from "../../domain/shared/id.ts";
import type { Post } from "../../domain/post/post.ts";
import type { Session } from "../../domain/session/session.ts";
import type { User } from "../../domain/user/user.ts";
import type { UserRemoval } from "../../domain/user/user-removal.ts";

/** The stored entities. They are cloned on their way in and out, so no caller holds a stored object. */
export interface MemoryTables {
  readonly users: Map<UserId, User>;
  readonly posts: Map<PostId, Post>;
  readonly sessions: Map<SessionId, Session>;
  readonly idempotencyKeys: Map<KeyDigest, IdempotencyRecord>;
  /** The removals of users who are no longer in `users`, in the order of their requests. */
  readonly removals: Map<UserId, UserRemoval>;
}

/** Runs a step on the current tables when its turn comes, and returns its result. */
export type MemoryAccess = <T>(step: (tables: MemoryTables) => T) => Promise<T>;

/** A step that is skipped when its signal is aborted before its turn. */
export function unlessAborted<T, E>(
  operation: string,
  signal: AbortSignal | undefined,
  step: (tables: MemoryTables) => Result<T, E>,
): (tables: MemoryTables) => Result<T, E | StorageFailure> {
  return (tables) => (signal?.aborted === true ? err(cancelledRead(operation)) : step(tables));
}

/** Stores a clone of a new row. Ids are unique, so an id that is stored already is a defect of the program. */
export function addRow<AnId extends string, Row extends { readonly id: AnId }>(rows: Map<AnId, Row>, row: Row): void {
  if (rows.has(row.id)) throw new Error(`A row with the id ${row.id} is stored already.`);
  rows.set(row.id, structuredClone(row));
}

/** A shallow copy is enough, because stored entities are replaced and never mutated. */
export function copyTables({ users, posts, sessions, idempotencyKeys, removals }: MemoryTables): MemoryTables {
  return {
    users: new Map(users),
    posts: new Map(posts),
    sessions: new Map(sessions),
    idempotencyKeys: new Map(idempotencyKeys),
    removals: new Map(removals),
  };
}

export function isPublishedAuthor(posts: MemoryTables["posts"], authorId: UserId): boolean {
  return [...posts.values()].some((post) => post.authorId === authorId && post.status === "published");
}
