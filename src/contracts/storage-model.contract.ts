import * as fc from "fast-check";
import { ok, type Result } from "neverthrow";
import { describe, expect, it } from "vitest";
import type { Storage } from "../application/ports/storage.ts";
import type { Repositories } from "../application/ports/unit-of-work.ts";
import { fail } from "../domain/shared/fail.ts";
import type { Id, PostId, SessionId, UserId } from "../domain/shared/id.ts";
import type { PasswordHash } from "../domain/user/password.ts";
import type { Page, PageCursor } from "../domain/shared/page.ts";
import { newDraft, newPublishedPost, type Post, type PostContent, type PostTitle } from "../domain/post/post.ts";
import { NEWEST_FIRST, POST_SORT_KEYS, type PostSort } from "../domain/post/post-list.ts";
import { newSession, type Session } from "../domain/session/session.ts";
import type { StorageFailure } from "../domain/shared/storage-failure.ts";
import { newUser, type User } from "../domain/user/user.ts";
import type { UserFilter } from "../domain/user/user-repository.ts";
import type { Version } from "../domain/shared/version.ts";
import {
  ANY_BATCH,
  email,
  EVERY_DRAFT,
  EVERY_POST,
  name,
  NOW,
  past,
  postsOf,
  PUBLISHED_POSTS,
  tokenDigest,
} from "../testing/fixtures.ts";
import { openMemoryStorage } from "../infrastructure/memory/memory-storage.ts";
import { openedStorage } from "./opened-storage.ts";
import { isThorough } from "./thorough.ts";
import type { StorageUnderTest } from "./storage-under-test.ts";

/** The entity of a command, as an index from the newest entity. It counts entities that are not stored, too. */
type Which = number;

/** The difference between the expected and the stored version. */
type Offset = -1 | 0 | 1;

type Step =
  | { readonly do: "insertUser"; readonly order: number; readonly email: string; readonly admin: boolean }
  | {
      readonly do: "updateUser";
      readonly user: Which;
      readonly email: string;
      readonly admin: boolean;
      readonly offset: Offset;
    }
  | { readonly do: "upgradeHash"; readonly user: Which; readonly current: string; readonly upgraded: string }
  | { readonly do: "deleteUser"; readonly user: Which; readonly offset: Offset }
  | { readonly do: "findByEmail"; readonly email: string }
  | { readonly do: "hasAdmin" }
  | {
      readonly do: "listUsers";
      readonly filter: UserFilter;
      readonly limit: number;
      readonly from: Which | null;
    }
  | {
      readonly do: "insertPost";
      readonly order: number;
      readonly author: Which;
      readonly text: string;
      readonly published: boolean;
    }
  | {
      readonly do: "updatePost";
      readonly post: Which;
      readonly author: Which;
      readonly text: string;
      readonly published: boolean;
      readonly offset: Offset;
    }
  | { readonly do: "deletePost"; readonly post: Which; readonly offset: Offset }
  | {
      readonly do: "listPosts";
      readonly published: "all" | "none" | Which;
      readonly drafts: "all" | "none" | Which;
      readonly sort: PostSort;
      readonly limit: number;
      readonly pages: readonly ("next" | "previous")[];
    }
  | { readonly do: "deleteByAuthor"; readonly author: Which }
  | { readonly do: "reassign"; readonly from: Which; readonly to: Which; readonly atMs: number }
  | {
      readonly do: "insertSession";
      readonly order: number;
      readonly user: Which;
      readonly idleMs: number;
      readonly offset: number;
    }
  | { readonly do: "renewSession"; readonly session: Which; readonly atMs: number }
  | {
      readonly do: "listSessions";
      readonly user: Which;
      readonly atMs: number;
      readonly limit: number;
      readonly from: Which | null;
    }
  | { readonly do: "deleteSession"; readonly session: Which; readonly user: Which }
  | { readonly do: "deleteSessions"; readonly user: Which; readonly kept: Which | null }
  | { readonly do: "deleteExpired"; readonly atMs: number };

type Command = Step | { readonly do: "unit"; readonly steps: readonly Step[]; readonly end: "ok" | "err" | "throw" };

const pick = fc.nat({ max: 3 });
const pickOrNone = fc.option(pick, { nil: null });
const offset = fc.constantFrom<Offset>(0, 0, 0, -1, 1);
const order = fc.nat({ max: 0xffff });
const limit = fc.integer({ min: 1, max: 4 });
const atMs = fc.constantFrom(0, 1, 999, 1_000, 1_001);
// A few addresses. Some are equal except for case, Unicode composition or character width.
const address = fc.constantFrom(
  "a@x.org",
  "A@x.org",
  "b@x.org",
  "\u00E9@x.org",
  "E\u0301@X.org",
  "\uFF42@x.org",
  "c@x.org",
);
const hash = fc.constantFrom("$one$", "$two$");
const text = fc.constantFrom("plain", "漢字 👩🏽‍🚀", "e\u0301\r\n\u0001");
const range = fc.oneof(fc.constantFrom("all" as const, "none" as const), pick);
const is = <Name extends string>(name: Name) => fc.constant(name);

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: is("insertUser"), order, email: address, admin: fc.boolean() }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: is("updateUser"), user: pick, email: address, admin: fc.boolean(), offset }),
  },
  { weight: 3, arbitrary: fc.record({ do: is("upgradeHash"), user: pick, current: hash, upgraded: hash }) },
  { weight: 2, arbitrary: fc.record({ do: is("deleteUser"), user: pick, offset }) },
  fc.record({ do: is("findByEmail"), email: address }),
  fc.record({ do: is("hasAdmin") }),
  fc.record({
    do: is("listUsers"),
    filter: fc.constantFrom("everybody" as const, "published_authors" as const),
    limit,
    from: pickOrNone,
  }),
  { weight: 5, arbitrary: fc.record({ do: is("insertPost"), order, author: pick, text, published: fc.boolean() }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: is("updatePost"), post: pick, author: pick, text, published: fc.boolean(), offset }),
  },
  fc.record({ do: is("deletePost"), post: pick, offset }),
  {
    weight: 4,
    arbitrary: fc.record({
      do: is("listPosts"),
      published: range,
      drafts: range,
      sort: fc.record({ by: fc.constantFrom(...POST_SORT_KEYS), descending: fc.boolean() }),
      limit,
      pages: fc.array(fc.constantFrom("next" as const, "previous" as const), { maxLength: 4 }),
    }),
  },
  fc.record({ do: is("deleteByAuthor"), author: pick }),
  { weight: 2, arbitrary: fc.record({ do: is("reassign"), from: pick, to: pick, atMs }) },
  { weight: 3, arbitrary: fc.record({ do: is("insertSession"), order, user: pick, idleMs: atMs, offset }) },
  fc.record({ do: is("renewSession"), session: pick, atMs }),
  { weight: 2, arbitrary: fc.record({ do: is("listSessions"), user: pick, atMs, limit, from: pickOrNone }) },
  fc.record({ do: is("deleteSession"), session: pick, user: pick }),
  fc.record({ do: is("deleteSessions"), user: pick, kept: pickOrNone }),
  fc.record({ do: is("deleteExpired"), atMs }),
);

const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 6, arbitrary: step },
  {
    weight: 1,
    arbitrary: fc.record({
      do: is("unit"),
      steps: fc.array(step, { minLength: 1, maxLength: 5 }),
      end: fc.constantFrom("ok" as const, "err" as const, "throw" as const),
    }),
  },
);

const moment = (ms: number) => new Date(NOW.getTime() + ms);

/** The version of a found entity; 1 if there is none. */
const versionOf = (found: Result<{ readonly version: Version }, unknown>): number =>
  found.match(
    ({ version }) => version,
    () => 1,
  );

type Answer = Result<unknown, { readonly kind: string }>;

/**
 * Runs commands on a storage. An entity is named by its index from the newest, and an id contains a serial number,
 * so that a command has the same meaning on every storage.
 */
class Player {
  readonly #storage: Storage;
  readonly #users: User[] = [];
  readonly #posts: Post[] = [];
  readonly #sessions: Session[] = [];
  #made = 0;

  constructor(storage: Storage) {
    this.#storage = storage;
  }

  async play(command: Command): Promise<Answer> {
    if (command.do !== "unit") return this.#step(command, this.#storage);
    const { steps, end } = command;
    const thrown = new Error("A defect");
    try {
      return await this.#storage.unitOfWork.run(async (repositories): Promise<Answer> => {
        const answers: unknown[] = [];
        for (const each of steps) {
          const answer = await this.#step(each, repositories);
          // The port requires a unit to return an err after a failure of a repository.
          if (answer.isErr()) return fail({ kind: answer.error.kind, after: answers });
          answers.push(answer.value);
        }
        if (end === "throw") throw thrown;
        return end === "ok" ? ok(answers) : fail({ kind: "changed_my_mind", after: answers });
      });
    } catch (caught) {
      if (caught !== thrown) throw caught;
      return fail({ kind: "thrown" });
    }
  }

  /** All stored data, read through the ports. */
  async everything(): Promise<unknown> {
    const { users, posts, sessions } = this.#storage;
    const all = { limit: 100, from: null };
    const lists: unknown[] = [await users.list("everybody", all)];
    for (const filter of [EVERY_POST, PUBLISHED_POSTS]) lists.push(await posts.list(filter, NEWEST_FIRST, all));
    for (const { id } of this.#users) {
      lists.push(await sessions.listByUser(id, new Date(0), all));
      for (const authorId of [null, id]) {
        lists.push(await posts.list({ ...postsOf(authorId), drafts: { authorId: id } }, NEWEST_FIRST, all));
      }
    }
    return lists;
  }

  async #step(step: Step, { users, posts, sessions }: Repositories): Promise<Answer> {
    switch (step.do) {
      case "insertUser": {
        const fields = {
          id: this.#nextId<UserId>(step.order),
          name: name("Ada"),
          passwordHash: "$one$" as PasswordHash,
        };
        const user = newUser({ ...fields, email: email(step.email), role: roleOf(step.admin) }, NOW);
        this.#users.push(user);
        return users.insert(user);
      }
      case "updateUser": {
        const id = made(this.#users, step.user);
        const version = versionOf(await users.findById(id));
        const fields = { id, name: name("Grace"), passwordHash: "$two$" as PasswordHash };
        const user = newUser({ ...fields, email: email(step.email), role: roleOf(step.admin) }, moment(version));
        return users.update({ ...user, version: (version + 1) as Version }, (version + step.offset) as Version);
      }
      case "upgradeHash":
        return users.upgradePasswordHash(
          made(this.#users, step.user),
          step.current as PasswordHash,
          step.upgraded as PasswordHash,
        );
      case "deleteUser": {
        const id = made(this.#users, step.user);
        const version = versionOf(await users.findById(id));
        return users.delete(id, (version + step.offset) as Version);
      }
      case "findByEmail":
        return users.findByEmail(email(step.email));
      case "hasAdmin":
        return users.hasAdmin();
      case "listUsers":
        return users.list(step.filter, { limit: step.limit, from: pastOrNull(this.#users, step.from) });
      case "insertPost": {
        const post = postOf(step, this.#nextId<PostId>(step.order), made(this.#users, step.author), NOW);
        this.#posts.push(post);
        return posts.insert(post);
      }
      case "updatePost": {
        const id = made(this.#posts, step.post);
        const version = versionOf(await posts.findById(id, EVERY_DRAFT));
        const post = postOf(step, id, made(this.#users, step.author), moment(version));
        return posts.update({ ...post, version: (version + 1) as Version }, (version + step.offset) as Version);
      }
      case "deletePost": {
        const id = made(this.#posts, step.post);
        const version = versionOf(await posts.findById(id, EVERY_DRAFT));
        return posts.delete(id, (version + step.offset) as Version);
      }
      case "listPosts": {
        const { limit, sort } = step;
        const ofUser = (of: typeof step.drafts) =>
          of === "none" ? null : { authorId: of === "all" ? null : made(this.#users, of) };
        const published = ofUser(step.published);
        const filter = {
          published: published && { ...published, after: null, before: null },
          drafts: sort.by === "published" ? null : ofUser(step.drafts),
        };
        const seen: Page<Post>[] = [];
        let from: PageCursor<PostId> | null = null;
        for (const turn of ["next" as const, ...step.pages]) {
          const page: Result<Page<Post>, StorageFailure> = await posts.list(filter, sort, { limit, from });
          if (page.isErr()) return page;
          seen.push(page.value);
          from = page.value[turn];
        }
        return ok(seen);
      }
      case "deleteByAuthor":
        return posts.deleteByAuthor(made(this.#users, step.author), ANY_BATCH, null);
      case "reassign":
        return posts.reassign(
          made(this.#users, step.from),
          made(this.#users, step.to),
          moment(step.atMs),
          ANY_BATCH,
          null,
        );
      case "insertSession": {
        const id = this.#nextId<SessionId>(step.order);
        const fields = { id, userId: made(this.#users, step.user), tokenDigest: tokenDigest(id) };
        const session = newSession(fields, NOW, step.idleMs);
        this.#sessions.push(session);
        const version = versionOf(await users.findById(session.userId));
        return sessions.insert(session, (version + step.offset) as Version);
      }
      case "renewSession": {
        const id = made(this.#sessions, step.session);
        const session = this.#sessions.find((each) => each.id === id);
        const fields = { id, userId: made(this.#users, 0), tokenDigest: tokenDigest("nobody") };
        const { lastUsedAt, expiresAt } = newSession(fields, moment(step.atMs), step.atMs);
        const renewed = await sessions.renew({ ...newSession(fields, NOW, 0), lastUsedAt, expiresAt });
        return renewed.isErr() || session === undefined ? renewed : sessions.findByTokenDigest(session.tokenDigest);
      }
      case "listSessions": {
        const page = { limit: step.limit, from: pastOrNull(this.#sessions, step.from) };
        return sessions.listByUser(made(this.#users, step.user), moment(step.atMs), page);
      }
      case "deleteSession":
        return sessions.delete(made(this.#sessions, step.session), made(this.#users, step.user));
      case "deleteSessions":
        return sessions.deleteByUser(made(this.#users, step.user), madeOrNull(this.#sessions, step.kept));
      case "deleteExpired":
        return sessions.deleteExpired(moment(step.atMs), 1000);
    }
  }

  /** A new id. The order of ids differs from the order of their creation. */
  #nextId<AnId extends Id<string>>(order: number): AnId {
    this.#made++;
    const [time, serial] = [order.toString(16).padStart(8, "0"), this.#made.toString(16).padStart(12, "0")];
    return `${time}-0000-7000-8000-${serial}` as AnId;
  }
}

/** The id of the entity at the index `pick` from the newest, or an unused id if there are fewer entities. */
function made<AnId extends Id<string>>(entities: readonly { readonly id: AnId }[], pick: Which): AnId {
  return entities.at(-1 - pick)?.id ?? ("00007fff-0000-7000-8000-ffffffffffff" as AnId);
}

function pastOrNull<AnId extends Id<string>>(entities: readonly { readonly id: AnId }[], pick: Which | null) {
  return pick === null ? null : past(made(entities, pick));
}

function madeOrNull<AnId extends Id<string>>(
  entities: readonly { readonly id: AnId }[],
  pick: Which | null,
): AnId | null {
  return pick === null ? null : made(entities, pick);
}

function roleOf(admin: boolean) {
  return admin ? "admin" : "author";
}

function postOf(
  { text, published }: { readonly text: string; readonly published: boolean },
  id: PostId,
  authorId: UserId,
  now: Date,
): Post {
  const fields = { id, authorId, title: text as PostTitle, content: text as PostContent };
  return published ? newPublishedPost(fields, now)._unsafeUnwrap() : newDraft(fields, now);
}

/** The part of an answer that must be equal on all adapters. */
function comparable(answer: Answer): unknown {
  return answer.isOk() ? { ok: answer.value ?? null } : { err: answer.error };
}

/** Runs random commands on a storage and on the memory storage, and compares their answers and contents. */
export function storageModelContract(adapter: StorageUnderTest): void {
  describe(`The storage on ${adapter.name} compared with the memory storage`, () => {
    const emptied = openedStorage(adapter);

    it("returns the same answers to the same commands, and contains the same data afterwards", async () => {
      const property = fc.asyncProperty(
        fc.array(command, { minLength: 10, maxLength: 30, size: "max" }),
        async (commands) => {
          const players = [new Player(await emptied()), new Player(openMemoryStorage())] as const;
          for (const each of commands) {
            const [actual, expected] = [await players[0].play(each), await players[1].play(each)];
            expect(comparable(actual)).toEqual(comparable(expected));
          }
          expect(await players[0].everything()).toEqual(await players[1].everything());
        },
      );
      await fc.assert(property, { numRuns: isThorough ? 30 : 15 });
    });
  });
}
