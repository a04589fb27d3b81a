import type { Result } from "neverthrow";
import { beforeEach, describe, expect, it } from "vitest";
import type { Storage } from "../application/ports/storage.ts";
import type { UserId } from "../domain/shared/id.ts";
import type { PageCursor } from "../domain/shared/page.ts";
import type { PasswordHash } from "../domain/user/password.ts";
import { changeUser, newUser, type User, type UserName } from "../domain/user/user.ts";
import { FIRST_VERSION, nextVersion, type Version } from "../domain/shared/version.ts";
import {
  aDraft,
  aPublishedPost,
  aSession,
  aUser,
  email,
  LATER,
  name,
  nextId,
  NOW,
  past,
  EVERY_DRAFT,
} from "../testing/fixtures.ts";
import { openedStorage } from "./opened-storage.ts";
import type { StorageUnderTest } from "./storage-under-test.ts";

const NAMES = [
  ["emoji beyond the basic plane", "👩🏽‍🚀 👨‍👩‍👧‍👦 🏴󠁧󠁢󠁳󠁣󠁴󠁿"],
  ["combining marks, not composed", "e\u0301 a\u0308 Z\u0351\u0343\u036B"],
  ["right-to-left text with marks", "مرحبا שָׁלוֹם \u202Eabc\u202C"],
  ["Chinese, Japanese and Korean", "漢字 かな 한국어 𠮷"],
  ["control characters", "a\u0001\u0007\b\t\n\v\f\r\u001B\u007F\u0085z"],
  ["noncharacters and a replacement character", "a\uFFFD\uFFFE\uFFFF\u{10FFFF}z"],
  ["SQL syntax", 'Robert\'); drop table "users"; -- \\ $1 ?'],
  ["the word null", "null"],
] as const;

export function userRepositoryContract(adapter: StorageUnderTest): void {
  describe(`UserRepository on ${adapter.name}`, () => {
    const emptied = openedStorage(adapter);
    let storage: Storage;

    beforeEach(async () => {
      storage = await emptied();
    });

    const stored = async (user: User = aUser()): Promise<User> => {
      (await storage.users.insert(user))._unsafeUnwrap();
      return user;
    };
    const found = async (id: UserId): Promise<User> => (await storage.users.findById(id))._unsafeUnwrap();
    const exists = async (id: UserId): Promise<boolean> => (await storage.users.findById(id)).isOk();
    const page = async (limit: number, from: PageCursor<UserId> | null = null) =>
      (await storage.users.list("everybody", { limit, from }))._unsafeUnwrap();

    describe("insert and findById", () => {
      it("throws when the id is already stored, and keeps the stored user", async () => {
        const user = aUser();
        (await storage.users.insert(user))._unsafeUnwrap();
        await expect(storage.users.insert(aUser({ id: user.id }))).rejects.toThrow();
        expect(await found(user.id)).toEqual(user);
      });

      it("returns every field unchanged", async () => {
        const user = changeUser(
          aUser({ role: "admin", name: name("Ada Lovelace") }),
          { name: name("Ada King") },
          LATER,
        );
        await stored(user);
        expect(await found(user.id)).toEqual(user);
      });

      it.each([
        "2026-03-01T12:00:00.000Z",
        "2026-03-01T12:00:00.001Z",
        "2026-12-31T23:59:59.999Z",
        "1999-01-02T03:04:05.670Z",
      ])("preserves the timestamp %s to the millisecond", async (moment) => {
        const { id, name, email, passwordHash, role } = aUser();
        const user = await stored(newUser({ id, name, email, passwordHash, role }, new Date(moment)));
        expect((await found(user.id)).createdAt.toISOString()).toBe(moment);
        expect((await found(user.id)).updatedAt.toISOString()).toBe(moment);
      });

      it.each(NAMES)("preserves a name with %s", async (_, raw) => {
        const user = await stored(aUser({ name: raw as UserName }));
        expect((await found(user.id)).name).toBe(raw);
      });

      it("preserves a zero-width no-break space inside a name", async () => {
        const user = await stored(aUser({ name: name("a\uFEFFb") }));
        expect((await found(user.id)).name).toBe("a\uFEFFb");
      });

      it("preserves the case and the Unicode composition of an address", async () => {
        const user = await stored(aUser({ email: email("Ada.LOVELACE+x@Exa\u0308mple.ORG") }));
        expect((await found(user.id)).email).toBe("Ada.LOVELACE+x@Exa\u0308mple.ORG");
      });

      it("returns a password hash unchanged", async () => {
        const passwordHash = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$+/aGFzaA" as PasswordHash;
        const user = await stored(aUser({ passwordHash }));
        expect((await found(user.id)).passwordHash).toBe(passwordHash);
      });

      it("returns user_not_found for an unknown id", async () => {
        await stored();
        expect((await storage.users.findById(nextId<UserId>()))._unsafeUnwrapErr()).toEqual({ kind: "user_not_found" });
      });

      it("does not share objects with the caller of insert", async () => {
        const user = aUser();
        const mine = { ...user, createdAt: new Date(NOW), updatedAt: new Date(NOW) };
        await stored(mine);
        mine.createdAt.setTime(0);
        mine.updatedAt.setTime(0);
        mine.name = name("Somebody else");
        expect(await found(user.id)).toEqual(user);
      });

      it("does not share objects with the callers of findById, findByEmail and list", async () => {
        const user = await stored();
        const answers = [
          await found(user.id),
          (await storage.users.findByEmail(user.email))._unsafeUnwrap(),
          ...(await page(10)).items,
        ];
        for (const answer of answers) {
          answer.createdAt.setTime(0);
          Object.assign(answer, { name: "Somebody else", version: 99 });
        }
        expect(await found(user.id)).toEqual(user);
      });
    });

    describe("uniqueness of addresses", () => {
      it.each([
        ["identical", "ada@example.org", "ada@example.org"],
        ["equal in another case", "ada@example.org", "ADA@Example.ORG"],
        ["equal in another Unicode composition", "zo\u00EB@example.org", "zoe\u0308@example.org"],
        ["equal in another character width", "ada@example.org", "\uFF41da@example.org"],
        ["equal in another case of the Greek script", "ζωή@παράδειγμα.gr", "ΖΩΉ@παράδειγμα.GR"],
      ])("rejects a second user whose address is %s", async (_, first, second) => {
        const user = await stored(aUser({ email: email(first) }));
        const other = aUser({ email: email(second) });
        expect((await storage.users.insert(other))._unsafeUnwrapErr()).toEqual({ kind: "email_taken" });
        expect(await exists(other.id)).toBe(false);
        expect(await found(user.id)).toEqual(user);
      });

      it("accepts addresses that differ in more than case", async () => {
        await stored(aUser({ email: email("ada@example.org") }));
        const other = await stored(aUser({ email: email("ada@example.com") }));
        expect(await exists(other.id)).toBe(true);
      });

      it("rejects an update to another user's address in another case, and keeps the stored user", async () => {
        await stored(aUser({ email: email("ada@example.org") }));
        const user = await stored();
        const changed = changeUser(user, { email: email("Ada@Example.org"), name: name("Grace") }, LATER);
        expect((await storage.users.update(changed, user.version))._unsafeUnwrapErr()).toEqual({ kind: "email_taken" });
        expect(await found(user.id)).toEqual(user);
      });

      it("accepts an update to the user's own address in another case", async () => {
        const user = await stored(aUser({ email: email("ada@example.org") }));
        const changed = changeUser(user, { email: email("ADA@example.org") }, LATER);
        (await storage.users.update(changed, user.version))._unsafeUnwrap();
        expect(await found(user.id)).toEqual(changed);
      });

      it("releases the previous address after an update", async () => {
        const user = await stored(aUser({ email: email("ada@example.org") }));
        (
          await storage.users.update(changeUser(user, { email: email("grace@example.org") }, LATER), user.version)
        )._unsafeUnwrap();
        const next = await stored(aUser({ email: email("ada@example.org") }));
        expect(await exists(next.id)).toBe(true);
        const third = await storage.users.insert(aUser({ email: email("Grace@example.org") }));
        expect(third._unsafeUnwrapErr()).toEqual({ kind: "email_taken" });
      });

      it("releases the address of a deleted user", async () => {
        const user = await stored(aUser({ email: email("ada@example.org") }));
        (await storage.users.delete(user.id, user.version))._unsafeUnwrap();
        const next = await stored(aUser({ email: email("ada@example.org") }));
        expect(await exists(next.id)).toBe(true);
      });

      it("accepts exactly one of twenty concurrent inserts of one address", async () => {
        const candidates = Array.from({ length: 20 }, (_, i) =>
          aUser({ email: email(i % 2 === 0 ? "ada@example.org" : "ADA@example.org") }),
        );
        const results = await Promise.all(candidates.map(async (user) => storage.users.insert(user)));
        expect(results.filter((result) => result.isOk())).toHaveLength(1);
        const refused = results.filter((result) => result.isErr()).map((result) => result.error);
        expect(refused).toEqual(Array.from({ length: 19 }, () => ({ kind: "email_taken" })));
        expect((await page(100)).items).toHaveLength(1);
      });
    });

    describe("findByEmail", () => {
      it("finds a user by an address in another case and Unicode composition", async () => {
        const user = await stored(aUser({ email: email("Zo\u00EB@Example.org") }));
        await stored();
        const result = await storage.users.findByEmail(email("zOE\u0308@example.ORG"));
        expect(result._unsafeUnwrap()).toEqual(user);
      });

      it("returns user_not_found for an unknown address", async () => {
        await stored();
        const result = await storage.users.findByEmail(email("nobody@example.org"));
        expect(result._unsafeUnwrapErr()).toEqual({ kind: "user_not_found" });
      });

      it("finds a user by the new address and not by the previous one after an update", async () => {
        const user = await stored(aUser({ email: email("old@example.org") }));
        const changed = changeUser(user, { email: email("new@example.org") }, LATER);
        (await storage.users.update(changed, user.version))._unsafeUnwrap();
        expect((await storage.users.findByEmail(changed.email))._unsafeUnwrap()).toEqual(changed);
        expect((await storage.users.findByEmail(user.email)).isErr()).toBe(true);
      });
    });

    describe("hasAdmin", () => {
      it("returns false when no user is stored", async () => {
        expect((await storage.users.hasAdmin())._unsafeUnwrap()).toBe(false);
      });

      it("returns false when all users are authors", async () => {
        await stored();
        expect((await storage.users.hasAdmin())._unsafeUnwrap()).toBe(false);
      });

      it("returns true when one of several users is an admin", async () => {
        await stored();
        await stored(aUser({ role: "admin" }));
        await stored();
        expect((await storage.users.hasAdmin())._unsafeUnwrap()).toBe(true);
      });

      it("reflects a change of role", async () => {
        const [user, other] = [await stored(), await stored(aUser({ role: "admin" }))];
        expect((await storage.users.hasAdmin(other.id))._unsafeUnwrap()).toBe(false);
        const admin = changeUser(user, { role: "admin" }, LATER);
        (await storage.users.update(admin, user.version))._unsafeUnwrap();
        expect((await storage.users.hasAdmin(other.id))._unsafeUnwrap()).toBe(true);
        (await storage.users.update(changeUser(admin, { role: "author" }, LATER), admin.version))._unsafeUnwrap();
        expect((await storage.users.hasAdmin(other.id))._unsafeUnwrap()).toBe(false);
      });

      it("ignores the excluded user, whether an admin or an author", async () => {
        const [author, admin] = [await stored(), await stored(aUser({ role: "admin" }))];
        expect((await storage.users.hasAdmin(author.id))._unsafeUnwrap()).toBe(true);
        expect((await storage.users.hasAdmin(admin.id))._unsafeUnwrap()).toBe(false);
      });
    });

    describe("the last admin", () => {
      const anAdmin = async () => stored(aUser({ role: "admin" }));
      type Written = Promise<Result<void, { readonly kind: string }>>;
      const demote = async (admin: User, users = storage.users): Written =>
        users.update(changeUser(admin, { role: "author" }, LATER), admin.version);
      const remove = async (admin: User, users = storage.users): Written => users.delete(admin.id, admin.version);
      const admins = async () => (await page(100)).items.filter(({ role }) => role === "admin");

      it.each([
        ["demoted", demote],
        ["removed", remove],
      ])("cannot be %s, whatever the number of authors", async (_, write) => {
        await stored();
        const admin = await anAdmin();
        await stored();
        expect((await write(admin))._unsafeUnwrapErr()).toEqual({ kind: "last_admin" });
        expect(await found(admin.id)).toEqual(admin);
      });

      it.each([
        ["demoted", demote],
        ["removed", remove],
      ])("is the only admin that remains after the others were %s", async (_, write) => {
        const [first, second, third] = [await anAdmin(), await anAdmin(), await anAdmin()];
        (await write(second))._unsafeUnwrap();
        (await write(first))._unsafeUnwrap();
        expect((await write(third))._unsafeUnwrapErr()).toEqual({ kind: "last_admin" });
        expect(await admins()).toEqual([third]);
      });

      it("may change their name and address", async () => {
        const admin = await anAdmin();
        const changed = changeUser(admin, { name: name("Grace"), email: email("grace@example.org") }, LATER);
        (await storage.users.update(changed, admin.version))._unsafeUnwrap();
        expect(await found(admin.id)).toEqual(changed);
      });

      it("is reported after a stale version, and before a taken address and existing posts", async () => {
        const other = await stored();
        const admin = await anAdmin();
        (await storage.posts.insert(aDraft(admin.id)))._unsafeUnwrap();
        const demoted = changeUser(admin, { role: "author", email: other.email }, LATER);
        const stale = nextVersion(admin.version);
        expect((await storage.users.update(demoted, stale))._unsafeUnwrapErr()).toEqual({ kind: "version_conflict" });
        expect((await storage.users.update(demoted, admin.version))._unsafeUnwrapErr()).toEqual({ kind: "last_admin" });
        expect((await storage.users.delete(admin.id, stale))._unsafeUnwrapErr()).toEqual({ kind: "version_conflict" });
        expect((await remove(admin))._unsafeUnwrapErr()).toEqual({ kind: "last_admin" });
      });

      it("does not mask email_taken and user_has_posts when another admin exists", async () => {
        const [other, admin] = [await anAdmin(), await anAdmin()];
        (await storage.posts.insert(aDraft(admin.id)))._unsafeUnwrap();
        const demoted = changeUser(admin, { role: "author", email: other.email }, LATER);
        expect((await storage.users.update(demoted, admin.version))._unsafeUnwrapErr()).toEqual({
          kind: "email_taken",
        });
        expect((await remove(admin))._unsafeUnwrapErr()).toEqual({ kind: "user_has_posts" });
        expect(await admins()).toEqual([admin, other]);
      });

      it.each([
        ["demoted", [demote]],
        ["removed", [remove]],
        ["demoted and removed", [demote, remove]],
      ])("remains when ten admins are %s concurrently", async (_, writes) => {
        const all = await Promise.all(Array.from({ length: 10 }, anAdmin));
        const results = await Promise.all(all.map(async (admin, index) => writes[index % writes.length]?.(admin)));
        const refused = results.flatMap((result) => (result?.isErr() === true ? [result.error] : []));
        expect(refused).toEqual([{ kind: "last_admin" }]);
        expect(await admins()).toEqual([all[results.findIndex((result) => result?.isErr())]]);
      });

      it.each([
        ["demoted", demote],
        ["removed", remove],
      ])("remains when two admins are %s concurrently in units of work", async (_, write) => {
        const all = [await anAdmin(), await anAdmin()];
        const results = await Promise.all(
          all.map(async (admin) => storage.unitOfWork.run(async ({ users }) => write(admin, users))),
        );
        expect(results.filter((result) => result.isOk())).toHaveLength(1);
        expect(results.find((result) => result.isErr())?.error).toEqual({ kind: "last_admin" });
        expect(await admins()).toHaveLength(1);
      });

      it("does not block inserts of an admin's posts while another admin is demoted", async () => {
        const [admin, other] = [await anAdmin(), await anAdmin()];
        const [demoted, ...posts] = await Promise.all([
          demote(other),
          ...Array.from({ length: 5 }, async () => storage.posts.insert(aDraft(admin.id))),
        ]);
        expect([demoted, ...posts].every((result) => result.isOk())).toBe(true);
      });
    });

    describe("list", () => {
      it("returns an empty page without cursors when no user is stored", async () => {
        expect(await page(10)).toEqual({ items: [], next: null, previous: null });
      });

      it("returns the newest user first, whatever the order of the inserts", async () => {
        const users = Array.from({ length: 5 }, () => aUser());
        for (const index of [2, 0, 4, 1, 3]) await stored(users[index]);
        expect((await page(10)).items).toEqual(users.toReversed());
      });

      it.each([
        ["one less than the number of users", 3, 3, true],
        ["the number of users", 4, 4, false],
        ["one more than the number of users", 5, 4, false],
      ])(
        "fills the page and returns a next cursor only if users remain, with a limit of %s",
        async (_, limit, length, hasNext) => {
          for (let i = 0; i < 4; i++) await stored();
          const { items, next } = await page(limit);
          expect(items).toHaveLength(length);
          expect(next).toEqual(hasNext ? past(items.at(-1)?.id ?? nextId<UserId>()) : null);
        },
      );

      it("returns each user once over several pages", async () => {
        const users = Array.from({ length: 7 }, () => aUser());
        for (const user of users) await stored(user);
        const sizes: number[] = [];
        const seen: UserId[] = [];
        let from: PageCursor<UserId> | null = null;
        do {
          const { items, next } = await page(3, from);
          sizes.push(items.length);
          seen.push(...items.map((user) => user.id));
          from = next;
        } while (from !== null);
        expect(sizes).toEqual([3, 3, 1]);
        expect(seen).toEqual(users.map((user) => user.id).toReversed());
      });

      it("continues after the id of a deleted user", async () => {
        const users = Array.from({ length: 3 }, () => aUser());
        for (const user of users) await stored(user);
        const [oldest, middle] = users as [User, User, User];
        (await storage.users.delete(middle.id, middle.version))._unsafeUnwrap();
        expect((await page(10, past(middle.id))).items.map((user) => user.id)).toEqual([oldest.id]);
      });

      it("skips and repeats no user while inserts and deletes run between the pages", async () => {
        const users = Array.from({ length: 6 }, () => aUser());
        for (const user of users) await stored(user);
        const [u1, u2, u3, u4, u5, u6] = users.map((user) => user.id);
        const first = await page(2);
        await stored(aUser());
        (await storage.users.delete(u5 as UserId, FIRST_VERSION))._unsafeUnwrap();
        (await storage.users.delete(u3 as UserId, FIRST_VERSION))._unsafeUnwrap();
        const second = await page(2, first.next);
        await stored(aUser());
        const rest = await page(2, second.next);
        const ids = [first, second, rest].map(({ items }) => items.map((user) => user.id));
        expect(ids).toEqual([[u6, u5], [u4, u2], [u1]]);
        expect(rest.next).toBeNull();
      });
    });

    describe("list of published authors", () => {
      const authorsPage = async (limit: number, from: PageCursor<UserId> | null = null) =>
        (await storage.users.list("published_authors", { limit, from }))._unsafeUnwrap();
      const publish = async (user: User, posts = 1) => {
        for (let i = 0; i < posts; i++) (await storage.posts.insert(aPublishedPost(user.id)))._unsafeUnwrap();
      };

      it("is empty when no user has a published post, even if drafts exist", async () => {
        const user = await stored();
        (await storage.posts.insert(aDraft(user.id)))._unsafeUnwrap();
        expect(await authorsPage(10)).toEqual({ items: [], next: null, previous: null });
      });

      it("returns each user with a published post once, newest first, and no other users", async () => {
        const users = Array.from({ length: 7 }, () => aUser());
        for (const user of users) await stored(user);
        const published = users.filter((_, index) => index % 2 === 0);
        for (const [index, user] of published.entries()) await publish(user, index + 1);
        for (const user of users) (await storage.posts.insert(aDraft(user.id)))._unsafeUnwrap();
        expect((await authorsPage(10)).items).toEqual(published.toReversed());
      });

      it("pages forward and backward and skips users without a published post", async () => {
        const users = Array.from({ length: 9 }, () => aUser());
        for (const user of users) await stored(user);
        const published = users.filter((_, index) => index % 3 !== 1);
        for (const user of published) await publish(user, 2);
        const pages = [await authorsPage(4)];
        while (pages.at(-1)?.next) pages.push(await authorsPage(4, pages.at(-1)?.next));
        expect(pages.map(({ items }) => items.length)).toEqual([4, 2]);
        expect(pages.flatMap(({ items }) => items)).toEqual(published.toReversed());
        const back = await authorsPage(4, pages[1]?.previous ?? null);
        expect(back.items).toEqual(pages[0]?.items);
        expect(back.previous).toBeNull();
        expect((await authorsPage(1, pages[1]?.previous ?? null)).items).toEqual(pages[0]?.items.slice(-1));
      });

      it.each([
        ["one less than the number of users", 3, 3, true],
        ["the number of users", 4, 4, false],
        ["one more than the number of users", 5, 4, false],
      ])(
        "fills the page and returns a next cursor only if users remain, with a limit of %s",
        async (_, limit, length, hasNext) => {
          for (let i = 0; i < 4; i++) await publish(await stored(), 2);
          const { items, next } = await authorsPage(limit);
          expect(items).toHaveLength(length);
          expect(next).toEqual(hasNext ? past(items.at(-1)?.id ?? nextId<UserId>()) : null);
        },
      );

      it("continues after a user with published posts, without published posts, or deleted", async () => {
        const [oldest, silent, gone, newest] = [await stored(), await stored(), await stored(), await stored()];
        for (const user of [oldest, newest]) await publish(user);
        (await storage.users.delete(gone.id, gone.version))._unsafeUnwrap();
        for (const place of [silent, gone, newest]) {
          expect((await authorsPage(10, past(place.id))).items).toEqual([oldest]);
        }
        expect((await authorsPage(10, past(oldest.id))).items).toEqual([]);
      });
    });

    describe("update", () => {
      it("stores every field that can change", async () => {
        const user = await stored();
        const passwordHash = "$other$" as PasswordHash;
        const changes = {
          name: name("Grace"),
          email: email("grace@example.org"),
          role: "admin",
          passwordHash,
        } as const;
        const changed = changeUser(user, changes, LATER);
        expect((await storage.users.update(changed, user.version)).isOk()).toBe(true);
        expect(await found(user.id)).toEqual(changed);
      });

      it("does not change other users", async () => {
        const other = await stored();
        const user = await stored();
        (await storage.users.update(changeUser(user, { name: name("Grace") }, LATER), user.version))._unsafeUnwrap();
        expect(await found(other.id)).toEqual(other);
      });

      it.each([
        ["older than the stored one", FIRST_VERSION],
        ["newer than the stored one", 3 as Version],
        ["the largest possible version", Number.MAX_SAFE_INTEGER as Version],
      ])("rejects an expected version that is %s, and keeps the stored user", async (_, expected) => {
        const user = await stored(changeUser(aUser(), { name: name("Grace") }, LATER));
        const changed = changeUser(user, { name: name("Katherine") }, LATER);
        expect((await storage.users.update(changed, expected))._unsafeUnwrapErr()).toEqual({
          kind: "version_conflict",
        });
        expect(await found(user.id)).toEqual(user);
      });

      it("returns version_conflict when the version is stale and the address is taken", async () => {
        const other = await stored();
        const user = await stored();
        const changed = changeUser(user, { email: other.email }, LATER);
        const result = await storage.users.update(changed, nextVersion(user.version));
        expect(result._unsafeUnwrapErr()).toEqual({ kind: "version_conflict" });
      });

      it("returns user_not_found for an unknown user, and does not store it", async () => {
        const user = aUser();
        expect((await storage.users.update(user, user.version))._unsafeUnwrapErr()).toEqual({ kind: "user_not_found" });
        expect(await exists(user.id)).toBe(false);
      });

      it("does not share objects with the caller of update", async () => {
        const user = await stored();
        const changed = changeUser(user, { name: name("Grace") }, new Date(LATER));
        (await storage.users.update(changed, user.version))._unsafeUnwrap();
        changed.updatedAt.setTime(0);
        expect((await found(user.id)).updatedAt).toEqual(LATER);
      });

      it("accepts exactly one of two concurrent updates of one version", async () => {
        const user = await stored();
        const changes = ["Grace", "Katherine"].map((raw) => changeUser(user, { name: name(raw) }, LATER));
        const results = await Promise.all(changes.map(async (changed) => storage.users.update(changed, user.version)));
        expect(results.filter((result) => result.isOk())).toHaveLength(1);
        expect(results.find((result) => result.isErr())?.error).toEqual({ kind: "version_conflict" });
        const winner = changes[results.findIndex((result) => result.isOk())];
        expect(await found(user.id)).toEqual(winner);
      });
    });

    describe("upgradePasswordHash", () => {
      const stronger = "$stronger$" as PasswordHash;

      it("replaces the hash and keeps the version and the times", async () => {
        const user = await stored();
        expect((await storage.users.upgradePasswordHash(user.id, user.passwordHash, stronger)).isOk()).toBe(true);
        expect(await found(user.id)).toEqual({ ...user, passwordHash: stronger });
      });

      it("does nothing when the stored hash has changed", async () => {
        const user = await stored();
        const result = await storage.users.upgradePasswordHash(user.id, "$before$" as PasswordHash, stronger);
        expect(result.isOk()).toBe(true);
        expect(await found(user.id)).toEqual(user);
      });

      it("does not change other users with the same hash", async () => {
        const other = await stored();
        const user = await stored();
        expect(other.passwordHash).toBe(user.passwordHash);
        (await storage.users.upgradePasswordHash(user.id, user.passwordHash, stronger))._unsafeUnwrap();
        expect(await found(other.id)).toEqual(other);
      });

      it("does nothing for an unknown user", async () => {
        const user = aUser();
        const result = await storage.users.upgradePasswordHash(user.id, user.passwordHash, stronger);
        expect(result.isOk()).toBe(true);
        expect(await exists(user.id)).toBe(false);
      });

      it("does not make a concurrent update of the same version stale", async () => {
        const user = await stored();
        (await storage.users.upgradePasswordHash(user.id, user.passwordHash, stronger))._unsafeUnwrap();
        const changed = changeUser(user, { name: name("Grace") }, LATER);
        expect((await storage.users.update(changed, user.version)).isOk()).toBe(true);
      });
    });

    describe("delete", () => {
      it("deletes the user and no other user", async () => {
        const other = await stored();
        const user = await stored();
        expect((await storage.users.delete(user.id, user.version)).isOk()).toBe(true);
        expect((await storage.users.findById(user.id))._unsafeUnwrapErr()).toEqual({ kind: "user_not_found" });
        expect((await storage.users.findByEmail(user.email)).isErr()).toBe(true);
        expect((await page(10)).items).toEqual([other]);
      });

      it("deletes the sessions of the user and no other sessions", async () => {
        const other = await stored();
        const user = await stored();
        const kept = aSession(other.id);
        const gone = [aSession(user.id), aSession(user.id)];
        for (const session of [kept, ...gone]) (await storage.sessions.insert(session, FIRST_VERSION))._unsafeUnwrap();
        (await storage.users.delete(user.id, user.version))._unsafeUnwrap();
        for (const session of gone) {
          const result = await storage.sessions.findByTokenDigest(session.tokenDigest);
          expect(result._unsafeUnwrapErr()).toEqual({ kind: "session_not_found" });
        }
        expect((await storage.sessions.findByTokenDigest(kept.tokenDigest)).isOk()).toBe(true);
      });

      it.each([
        ["older than the stored one", FIRST_VERSION],
        ["newer than the stored one", 3 as Version],
      ])("rejects an expected version that is %s, and keeps the user and their sessions", async (_, expected) => {
        const user = await stored(changeUser(aUser(), { name: name("Grace") }, LATER));
        const session = aSession(user.id);
        (await storage.sessions.insert(session, user.version))._unsafeUnwrap();
        expect((await storage.users.delete(user.id, expected))._unsafeUnwrapErr()).toEqual({
          kind: "version_conflict",
        });
        expect(await found(user.id)).toEqual(user);
        expect((await storage.sessions.findByTokenDigest(session.tokenDigest)).isOk()).toBe(true);
      });

      it("returns user_not_found for an unknown id", async () => {
        const result = await storage.users.delete(nextId<UserId>(), FIRST_VERSION);
        expect(result._unsafeUnwrapErr()).toEqual({ kind: "user_not_found" });
      });

      it.each([
        ["a draft", aDraft],
        ["a published post", aPublishedPost],
      ])("rejects a user with %s, and keeps the user, the post and the sessions", async (_, aPost) => {
        const user = await stored();
        const post = aPost(user.id);
        const session = aSession(user.id);
        (await storage.posts.insert(post))._unsafeUnwrap();
        (await storage.sessions.insert(session, FIRST_VERSION))._unsafeUnwrap();
        expect((await storage.users.delete(user.id, user.version))._unsafeUnwrapErr()).toEqual({
          kind: "user_has_posts",
        });
        expect(await found(user.id)).toEqual(user);
        expect((await storage.posts.findById(post.id, EVERY_DRAFT))._unsafeUnwrap()).toEqual(post);
        expect((await storage.sessions.findByTokenDigest(session.tokenDigest)).isOk()).toBe(true);
      });

      it("deletes a user whose posts were deleted", async () => {
        const user = await stored();
        const post = aDraft(user.id);
        (await storage.posts.insert(post))._unsafeUnwrap();
        (await storage.posts.delete(post.id, post.version))._unsafeUnwrap();
        expect((await storage.users.delete(user.id, user.version)).isOk()).toBe(true);
      });

      it("accepts exactly one of two concurrent deletes", async () => {
        const user = await stored();
        const results = await Promise.all([1, 2].map(async () => storage.users.delete(user.id, user.version)));
        expect(results.filter((result) => result.isOk())).toHaveLength(1);
        expect(results.find((result) => result.isErr())?.error).toEqual({ kind: "user_not_found" });
      });

      it("accepts exactly one of a concurrent delete of the author and insert of their post", async () => {
        const user = await stored();
        const post = aDraft(user.id);
        const [deleted, inserted] = await Promise.all([
          storage.users.delete(user.id, user.version),
          storage.posts.insert(post),
        ]);
        expect([deleted.isOk(), inserted.isOk()].filter(Boolean)).toHaveLength(1);
        expect(await exists(user.id)).toBe(inserted.isOk());
        expect((await storage.posts.findById(post.id, EVERY_DRAFT)).isOk()).toBe(inserted.isOk());
      });
    });
  });
}
