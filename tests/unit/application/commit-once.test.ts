import { err, ok } from "neverthrow";
import { describe, expect, it } from "vitest";
import type { UserProfile } from "../../../src/domain/access.ts";
import { content, DAY_MS, email, name, password, title } from "../../support/fixtures.ts";
import { contentsOf, openQuire, outage, OUTAGE, signIn, type Overrides } from "./support.ts";

const POST = { title: title("Once"), content: content("And only once."), status: "draft" } as const;
const USER = { name: name("Once"), email: email("once@example.org"), password: password("and only once") };

const openWriter = async (overrides: Overrides = {}) => {
  const quire = await openQuire(overrides);
  const { app, author } = quire;
  const actor = await signIn(quire, author);
  const request = { key: "0123456789abcdef", body: "body" };
  const answer = ({ id }: { readonly id: string }) => ({ status: 201, headers: {}, body: id });
  return {
    quire,
    /** Registers a user with a key: in a unit of work. */
    register: async () =>
      app.registerUser(
        null,
        USER,
        app.commitOnce<UserProfile>({ ...request, userId: null, operation: "POST /v1/users" }, (user) => ({
          userId: user.id,
          answer: answer(user),
        })),
      ),
    /** Writes a post with a key: in one statement. */
    write: async () =>
      app.createPost(
        actor,
        POST,
        app.storePostOnce({ ...request, userId: actor.userId, operation: "POST /v1/posts" }, (post) => ({
          userId: actor.userId,
          answer: answer(post),
        })),
      ),
    /** How many there are of what it writes. */
    registered: async () => (await contentsOf(quire)).users.filter((user) => user.name === USER.name).length,
    written: async () => (await contentsOf(quire)).posts.length,
  };
};

describe("committing once", () => {
  it("keeps no write whose answer cannot be kept", async () => {
    const { register, registered } = await openWriter({ idempotencyKeys: () => ({ insert: outage }) });
    expect(await register()).toEqual(err(OUTAGE));
    expect(await registered()).toBe(0);
  });

  it("keeps no answer of a write that fails", async () => {
    let isAway = true;
    const { register, registered } = await openWriter({
      users: (real) => ({ insert: async (user) => (isAway ? outage() : real.insert(user)) }),
    });
    expect(await register()).toEqual(err(OUTAGE));
    isAway = false;
    expect((await register()).isOk()).toBe(true);
    expect(await registered()).toBe(1);
  });

  it("writes nothing while nobody knows whether it was done before", async () => {
    const { register, registered } = await openWriter({ idempotencyKeys: () => ({ claim: outage }) });
    expect(await register()).toEqual(err(OUTAGE));
    expect(await registered()).toBe(0);
  });

  it("tells who was deleted meanwhile that their session is no more", async () => {
    const { quire, write, written } = await openWriter();
    (await quire.storage.users.delete(quire.author.id, quire.author.version))._unsafeUnwrap();
    expect(await write()).toEqual(err({ kind: "invalid_session" }));
    expect(await written()).toBe(0);
  });

  it("forgets all that expired, however many that are", async () => {
    let left = 2500;
    const { quire } = await openWriter({
      idempotencyKeys: () => ({
        deleteExpired: async (_, { rows }) => {
          const removed = Math.min(left, rows);
          left -= removed;
          return ok(removed);
        },
      }),
    });
    (await quire.app.purgeExpiredIdempotencyKeys())._unsafeUnwrap();
    expect(left).toBe(0);
  });

  it("forgets nothing early when the clock is set back", async () => {
    const { quire, write, written } = await openWriter();
    await write();
    quire.clock.advance(-2 * DAY_MS);
    (await quire.app.purgeExpiredIdempotencyKeys())._unsafeUnwrap();
    expect((await write())._unsafeUnwrapErr()).toMatchObject({ kind: "answered_before" });
    expect(await written()).toBe(1);
  });

  it("forgets a day later what it was answered, and only then", async () => {
    const { quire, write, written } = await openWriter();
    const first = (await write())._unsafeUnwrap();
    const again = { kind: "answered_before", answer: { status: 201, headers: {}, body: first.id } };
    quire.clock.advance(DAY_MS - 1);
    (await quire.app.purgeExpiredIdempotencyKeys())._unsafeUnwrap();
    expect((await write())._unsafeUnwrapErr()).toEqual(again);
    quire.clock.advance(1);
    (await quire.app.purgeExpiredIdempotencyKeys())._unsafeUnwrap();
    expect((await write()).isOk()).toBe(true);
    expect(await written()).toBe(2);
  });
});
