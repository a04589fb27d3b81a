import { createHash } from "node:crypto";
import type { Clock } from "../application/ports/clock.ts";
import type { Fingerprint, IdempotencyRecord, KeyDigest, SealedResult } from "../domain/shared/idempotency-record.ts";
import type { IdGenerator } from "../application/ports/id-generator.ts";
import type { Log } from "../application/ports/log.ts";
import type { Actor } from "../domain/access.ts";
import { parseEmailAddress, type EmailAddress } from "../domain/user/email-address.ts";
import type { Id, PostId, SessionId, UserId } from "../domain/shared/id.ts";
import type { BatchLimits } from "../domain/shared/batch.ts";
import type { PageCursor } from "../domain/shared/page.ts";
import { parsePassword, type Password, type PasswordHash } from "../domain/user/password.ts";
import {
  newDraft,
  newPublishedPost,
  parsePostContent,
  parsePostTitle,
  type Draft,
  type PostContent,
  type PostTitle,
  type PublishedPost,
} from "../domain/post/post.ts";
import { NEWEST_FIRST, type DraftFilter, type PostFilter } from "../domain/post/post-list.ts";
import type { PostRepository } from "../domain/post/post-repository.ts";
import { newSession, type Session, type TokenDigest } from "../domain/session/session.ts";
import { newUser, parseUserName, type User, type UserName } from "../domain/user/user.ts";
import { uuidGenerator } from "../infrastructure/node/uuid-generator.ts";

export const NOW = new Date("2026-03-01T12:00:00.123Z");
export const LATER = new Date("2026-03-01T13:00:00.456Z");
export const DAY_MS = 86_400_000;

export const name = (raw: string): UserName => parseUserName(raw)._unsafeUnwrap();
export const email = (raw: string): EmailAddress => parseEmailAddress(raw)._unsafeUnwrap();
export const password = (raw: string): Password => parsePassword(raw)._unsafeUnwrap();
export const title = (raw: string) => parsePostTitle(raw)._unsafeUnwrap();
export const content = (raw: string) => parsePostContent(raw)._unsafeUnwrap();

/** More than any test stores. */
export const ANY_BATCH: BatchLimits = { rows: 10_000, bytes: 1_073_741_824 };

export const ids: IdGenerator = uuidGenerator;

/** A new UUIDv7, which sorts after all earlier ones. */
export const nextId = <AnId extends Id<string>>(): AnId => ids.next();

/** The position after the item with an id, in a list that is sorted by id. */
export const past = <AnId extends Id<string>>(id: AnId): PageCursor<AnId> => ({ direction: "forward", key: null, id });

/** The published posts and the drafts of one author, or of all authors. */
export const postsOf = (authorId: UserId | null): PostFilter => ({
  published: { authorId, after: null, before: null },
  drafts: { authorId },
});

export const EVERY_DRAFT: DraftFilter = { authorId: null };
export const EVERY_POST = postsOf(null);
export const PUBLISHED_POSTS: PostFilter = { ...EVERY_POST, drafts: null };

export interface TestClock extends Clock {
  set(now: Date): void;
  advance(ms: number): void;
}

export function testClock(start = NOW): TestClock {
  let now = start;
  return {
    now: () => new Date(now),
    set: (moment) => {
      now = moment;
    },
    advance: (ms) => {
      now = new Date(now.getTime() + ms);
    },
  };
}

export interface RecordedLine {
  readonly level: "debug" | "info" | "warn" | "error";
  readonly fields: object;
  readonly message: string;
}

export function recordingLog(): Log & { readonly lines: RecordedLine[] } {
  const lines: RecordedLine[] = [];
  const at = (level: RecordedLine["level"]) => (fields: object, message: string) =>
    void lines.push({ level, fields, message });
  return { lines, debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

let users = 0;

/** A user with a unique e-mail address. */
export function aUser(fields: Partial<Pick<User, "id" | "name" | "email" | "passwordHash" | "role">> = {}): User {
  users++;
  return newUser(
    {
      id: nextId<UserId>(),
      name: name("Ada"),
      email: email(`ada${users}@example.org`),
      passwordHash: "$none$" as PasswordHash,
      role: "author",
      ...fields,
    },
    NOW,
  );
}

interface PostFields {
  readonly id?: PostId;
  readonly title?: string;
  readonly content?: string;
}

export function aDraft(authorId: UserId, fields: PostFields = {}): Draft {
  return newDraft(postFields(authorId, fields), NOW);
}

export function aPublishedPost(authorId: UserId, fields: PostFields = {}): PublishedPost {
  return newPublishedPost(postFields(authorId, fields), NOW)._unsafeUnwrap();
}

function postFields(authorId: UserId, fields: PostFields) {
  const { id = nextId<PostId>(), title: rawTitle = "A title", content: rawContent = "Some content" } = fields;
  // A store keeps values that earlier rules accepted, so it must accept any value.
  return { id, authorId, title: rawTitle as PostTitle, content: rawContent as PostContent };
}

/** A digest in the form that the ports document: SHA-256 as lower-case hexadecimal. */
const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");
export const tokenDigest = (text: string) => sha256(text) as TokenDigest;
export const keyDigest = (text: string) => sha256(text) as KeyDigest;
export const sealed = (text: string) => Buffer.from(text).toString("base64") as SealedResult;

/** A session with the digest of `token`. */
export function aSession(userId: UserId, token: string = crypto.randomUUID(), idleMs = 30 * DAY_MS): Session {
  return newSession({ id: nextId<SessionId>(), userId, tokenDigest: tokenDigest(token) }, NOW, idleMs);
}

/** A replay record that expires in a day. It has the digest of `key`. */
export function aRecord(
  userId: UserId,
  key: string = crypto.randomUUID(),
  fields: Partial<IdempotencyRecord> = {},
): IdempotencyRecord {
  return {
    keyDigest: keyDigest(key),
    userId,
    fingerprint: sha256("a request") as Fingerprint,
    result: sealed(`the answer of ${nextId()}`),
    createdAt: NOW,
    expiresAt: new Date(NOW.getTime() + DAY_MS),
    ...fields,
  };
}

export function actorFor(user: Pick<User, "id" | "role">): Actor {
  return { userId: user.id, role: user.role, sessionId: nextId<SessionId>() };
}

/** The number of posts in the list of a filter. */
export async function countOf(posts: PostRepository, filter: PostFilter): Promise<number> {
  const { total } = (await posts.list(filter, NEWEST_FIRST, { limit: 1, from: null, isCounted: true }))._unsafeUnwrap();
  if (total === null) throw new Error("A page with count=true has no total.");
  return total;
}
