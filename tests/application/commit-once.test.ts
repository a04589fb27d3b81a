import { err, ok } from "neverthrow";
import { describe, expect, it } from "vitest";
import type { Post } from "../../src/domain/post.ts";
import { content, DAY_MS, title } from "../support/fixtures.ts";
import { contentsOf, openQuire, outage, OUTAGE, signIn, type Overrides, type Quire } from "./support.ts";

const INPUT = { title: title("Once"), content: content("And only once."), status: "draft" } as const;

/** Writes a post with a key, as somebody who acts for the author. */
async function writer(quire: Quire) {
  const actor = await signIn(quire, quire.author);
  return async (body = "body") =>
    quire.app.createPost(
      actor,
      INPUT,
      quire.app.commitOnce<Post>(
        { key: "0123456789abcdef", userId: actor.userId, operation: "POST /v1/posts", body },
        (post) => ({ userId: actor.userId, answer: { status: 201, headers: {}, body: post.id } }),
      ),
    );
}

const openWriter = async (overrides: Overrides = {}) => {
  const quire = await openQuire(overrides);
  return { quire, write: await writer(quire), posts: async () => (await contentsOf(quire)).posts };
};

describe("committing once", () => {
  it("keeps no write whose answer cannot be kept", async () => {
    const { write, posts } = await openWriter({ idempotencyKeys: () => ({ insert: outage }) });
    expect(await write()).toEqual(err(OUTAGE));
    expect(await posts()).toEqual([]);
  });

  it("keeps no answer of a write that fails", async () => {
    let isAway = true;
    const { write, posts } = await openWriter({
      posts: (real) => ({ insert: async (post) => (isAway ? outage() : real.insert(post)) }),
    });
    expect(await write()).toEqual(err(OUTAGE));
    isAway = false;
    expect((await write()).isOk()).toBe(true);
    expect(await posts()).toHaveLength(1);
  });

  it("writes nothing while nobody knows whether it was done before", async () => {
    const { write, posts } = await openWriter({ idempotencyKeys: () => ({ claim: outage }) });
    expect(await write()).toEqual(err(OUTAGE));
    expect(await posts()).toEqual([]);
  });

  it("forgets all that expired, however many that are", async () => {
    let left = 2500;
    const { quire } = await openWriter({
      idempotencyKeys: () => ({
        deleteExpired: async (_, most) => {
          const removed = Math.min(left, most);
          left -= removed;
          return ok(removed);
        },
      }),
    });
    (await quire.app.purgeExpiredIdempotencyKeys())._unsafeUnwrap();
    expect(left).toBe(0);
  });

  it("forgets a day later what it was answered, and only then", async () => {
    const { quire, write, posts } = await openWriter();
    const first = (await write())._unsafeUnwrap();
    const again = { kind: "answered_before", answer: { status: 201, headers: {}, body: first.id } };
    quire.clock.advance(DAY_MS - 1);
    (await quire.app.purgeExpiredIdempotencyKeys())._unsafeUnwrap();
    expect((await write())._unsafeUnwrapErr()).toEqual(again);
    quire.clock.advance(1);
    (await quire.app.purgeExpiredIdempotencyKeys())._unsafeUnwrap();
    expect((await write()).isOk()).toBe(true);
    expect(await posts()).toHaveLength(2);
  });
});
