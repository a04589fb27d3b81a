import { err, ok, type Result } from "neverthrow";
import type { IdempotencyKeyRepository } from "../../../src/application/ports/idempotency-keys.ts";
import type { PasswordHasher } from "../../../src/application/ports/password-hasher.ts";
import type { Repositories } from "../../../src/application/ports/unit-of-work.ts";
import { useCases, type UseCases } from "../../../src/application/application.ts";
import type { Actor, Registration } from "../../../src/domain/access.ts";
import type { PostListQuery } from "../../../src/domain/post/post-list.ts";
import type { Id } from "../../../src/domain/shared/id.ts";
import type { Page, PageRequest, PageCursor } from "../../../src/domain/shared/page.ts";
import type { PasswordHash } from "../../../src/domain/user/password.ts";
import type { PostRepository } from "../../../src/domain/post/post-repository.ts";
import { NEWEST_FIRST } from "../../../src/domain/post/post-list.ts";
import type { SessionRepository } from "../../../src/domain/session/session-repository.ts";
import type { StorageFailure } from "../../../src/domain/shared/storage-failure.ts";
import type { User } from "../../../src/domain/user/user.ts";
import type { UserRepository } from "../../../src/domain/user/user-repository.ts";
import type { Storage } from "../../../src/application/ports/storage.ts";
import { openMemoryStorage } from "../../../src/infrastructure/memory/memory-storage.ts";
import { nodeIdempotencyCipher } from "../../../src/infrastructure/crypto/node-idempotency-cipher.ts";
import { nodeSessionTokens } from "../../../src/infrastructure/crypto/node-session-tokens.ts";
import {
  aDraft,
  aPublishedPost,
  aSession,
  aUser,
  DAY_MS,
  EVERY_POST,
  ids,
  recordingLog,
  testClock,
  type TestClock,
} from "../../../src/testing/fixtures.ts";

export const IDLE_MS = 30 * DAY_MS;

/** The password of every user of {@link openQuire}. */
export const PASSWORD = "correct horse battery";

export const WHOLE_LIST = { limit: 100, from: null } as const;

export const ALL_POSTS: PostListQuery = {
  kind: "list",
  authorId: null,
  status: null,
  publishedAfter: null,
  publishedBefore: null,
  sort: NEWEST_FIRST,
};

/** A hash of the fake hasher. Two hashes of the same password differ by their salt. */
export function hashOf(password: string, strength: "current" | "outdated" = "current", salt = 0): PasswordHash {
  return `${strength}:${salt}:${password}` as PasswordHash;
}

export interface FakeHasher extends PasswordHasher {
  /** The hashes of all comparisons, in the order of the calls. */
  readonly compared: (PasswordHash | null)[];
}

function fakeHasher(): FakeHasher {
  const compared: (PasswordHash | null)[] = [];
  let salt = 0;
  return {
    compared,
    hash: async (password) => ok(hashOf(password, "current", ++salt)),
    verify: async (password, hash) => {
      compared.push(hash);
      const [strength, , ...rest] = hash?.split(":") ?? [];
      if (rest.join(":") !== password) return ok("mismatch");
      return ok(strength === "current" ? "match" : "outdated");
    },
  };
}

/** Methods that replace methods of the repositories, also inside units of work. */
export interface Overrides {
  readonly users?: (real: UserRepository) => Partial<UserRepository>;
  readonly posts?: (real: PostRepository) => Partial<PostRepository>;
  readonly sessions?: (real: SessionRepository) => Partial<SessionRepository>;
  readonly idempotencyKeys?: (real: IdempotencyKeyRepository) => Partial<IdempotencyKeyRepository>;
  readonly hasher?: (real: PasswordHasher) => Partial<PasswordHasher>;
  readonly registration?: Registration;
  /** Whether the storage holds no admin at first. */
  readonly hasNoAdmin?: boolean;
}

export interface Quire {
  /** The storage without overrides, for the setup and the assertions of a test. */
  readonly storage: Storage;
  readonly clock: TestClock;
  readonly log: ReturnType<typeof recordingLog>;
  readonly hasher: FakeHasher;
  readonly app: UseCases;
  readonly author: User;
  readonly otherAuthor: User;
  readonly admin: User;
}

/** The use cases on a memory storage with three users. */
export async function openQuire(overrides: Overrides = {}): Promise<Quire> {
  const storage = openMemoryStorage();
  const clock = testClock();
  const log = recordingLog();
  const hasher = fakeHasher();
  const override = ({ users, posts, sessions, idempotencyKeys }: Repositories): Repositories => ({
    idempotencyKeys: { ...idempotencyKeys, ...overrides.idempotencyKeys?.(idempotencyKeys) },
    users: { ...users, ...overrides.users?.(users) },
    posts: { ...posts, ...overrides.posts?.(posts) },
    sessions: { ...sessions, ...overrides.sessions?.(sessions) },
  });
  const app = useCases({
    ...override(storage),
    unitOfWork: { run: async (work) => storage.unitOfWork.run(async (repositories) => work(override(repositories))) },
    probe: storage.probe,
    hasher: { ...hasher, ...overrides.hasher?.(hasher) },
    tokens: nodeSessionTokens,
    idempotencyCipher: nodeIdempotencyCipher,
    ids,
    clock,
    log,
    sessionIdleMs: IDLE_MS,
    registration: overrides.registration ?? "open",
  });
  const passwordHash = hashOf(PASSWORD);
  const author = aUser({ passwordHash });
  const otherAuthor = aUser({ passwordHash });
  const admin = aUser({ passwordHash, role: "admin" });
  for (const user of overrides.hasNoAdmin === true ? [author, otherAuthor] : [author, otherAuthor, admin])
    (await storage.users.insert(user))._unsafeUnwrap();
  return { storage, clock, log, hasher, app, author, otherAuthor, admin };
}

/** Stores a session and returns its user as an actor. */
export async function signIn({ storage }: Quire, user: User): Promise<Actor> {
  const session = aSession(user.id, undefined, IDLE_MS);
  (await storage.sessions.insert(session, user.version))._unsafeUnwrap();
  return { userId: user.id, role: user.role, sessionId: session.id };
}

export async function storedDraft({ storage }: Quire, author: User, content?: string) {
  const post = aDraft(author.id, content === undefined ? {} : { content });
  (await storage.posts.insert(post))._unsafeUnwrap();
  return post;
}

export async function storedPublishedPost({ storage }: Quire, author: User) {
  const post = aPublishedPost(author.id);
  (await storage.posts.insert(post))._unsafeUnwrap();
  return post;
}

export async function sessionsOf({ storage, clock }: Quire, user: User) {
  return (await storage.sessions.listByUser(user.id, clock.now(), WHOLE_LIST))._unsafeUnwrap().items;
}

/** All stored users, posts and sessions. */
export async function contentsOf(quire: Quire) {
  const users = (await quire.storage.users.list("everybody", WHOLE_LIST))._unsafeUnwrap().items;
  const posts = await quire.storage.posts.list(EVERY_POST, NEWEST_FIRST, WHOLE_LIST);
  const sessions = await Promise.all(users.map(async (user) => sessionsOf(quire, user)));
  return { users, posts: posts._unsafeUnwrap().items, sessions: sessions.flat() };
}

/** Reads a list in pages of two items. */
export async function pagesOfTwo<AnId extends Id<string>, Item extends { readonly id: AnId }>(
  list: (page: PageRequest<AnId>) => Promise<Result<Page<Item>, unknown>>,
): Promise<(readonly Item[])[]> {
  const pages: (readonly Item[])[] = [];
  let from: PageCursor<AnId> | null = null;
  do {
    const page: Page<Item> = (await list({ limit: 2, from }))._unsafeUnwrap();
    pages.push(page.items);
    from = page.next;
  } while (from !== null);
  return pages;
}

export const OUTAGE: StorageFailure = {
  kind: "storage_failure",
  reason: "unavailable",
  isTransient: true,
  operation: "test",
  cause: new Error("the power went"),
};

/** A method of a repository that fails with {@link OUTAGE}. */
export const outage = async () => err(OUTAGE);

/** Runs `first` once before the first call of `method`, like a concurrent request that is faster. */
export function overtaken<Args extends unknown[], T>(
  method: (...args: Args) => Promise<T>,
  first: () => Promise<void>,
): (...args: Args) => Promise<T> {
  let overtake: Promise<void> | null = null;
  return async (...args) => {
    overtake ??= first();
    await overtake;
    return method(...args);
  };
}
