import { err, ok, type Result } from "neverthrow";
import { describe, expect, it } from "vitest";
import {
  requireVersion,
  retryLostRaces,
  type ExpectedVersions,
} from "../../../src/application/optimistic-concurrency.ts";
import type { UseCases } from "../../../src/application/application.ts";
import { parseVersion, type Version, type VersionConflict } from "../../../src/domain/shared/version.ts";
import { actorFor, name, password, title } from "../../../src/testing/fixtures.ts";
import { contentsOf, openQuire, PASSWORD, signIn, storedDraft, storedPublishedPost, type Quire } from "./support.ts";

const CONFLICT: VersionConflict = { kind: "version_conflict" };

const MAX_ATTEMPTS = 5;

/** An attempt that loses its first `losses` races. */
function losing(losses: number) {
  const counter = { attempts: 0 };
  const attempt = async (): Promise<Result<string, VersionConflict>> =>
    ++counter.attempts <= losses ? err(CONFLICT) : ok("won");
  return { counter, attempt };
}

describe("retryLostRaces", () => {
  it.each([0, 1, MAX_ATTEMPTS - 1])("succeeds after %i lost races and makes no further attempt", async (losses) => {
    const { counter, attempt } = losing(losses);
    expect((await retryLostRaces(attempt))._unsafeUnwrap()).toBe("won");
    expect(counter.attempts).toBe(losses + 1);
  });

  it.each([MAX_ATTEMPTS, Infinity])("gives up after 5 attempts when it would lose %d races", async (losses) => {
    const { counter, attempt } = losing(losses);
    expect((await retryLostRaces(attempt))._unsafeUnwrapErr()).toBe(CONFLICT);
    expect(counter.attempts).toBe(MAX_ATTEMPTS);
  });

  it("returns any other error immediately", async () => {
    const other = { kind: "post_not_found" } as const;
    let attempts = 0;
    const attempt = async (): Promise<Result<void, typeof other | VersionConflict>> => {
      attempts++;
      return err(other);
    };
    expect((await retryLostRaces<void, typeof other>(attempt))._unsafeUnwrapErr()).toBe(other);
    expect(attempts).toBe(1);
  });
});

const at = (version: number) => parseVersion(version) as Version;

describe("requireVersion", () => {
  it.each<[string, ExpectedVersions, boolean]>([
    ["accepts any version when nothing is expected", null, true],
    ["accepts the only expected version", [at(2)], true],
    ["accepts one of several expected versions", [at(1), at(2), at(3)], true],
    ["rejects a version that is not among the expected ones", [at(1), at(3)], false],
    ["rejects every version when the expected ones are empty", [], false],
    ["accepts a version when only others are excluded", { except: [at(1), at(3)] }, true],
    ["rejects an excluded version", { except: [at(1), at(2)] }, false],
    ["accepts any version when none is excluded", { except: [] }, true],
  ])("%s", (_case, expected, accepted) => {
    const required = requireVersion({ version: at(2) }, expected);
    if (accepted) expect(required.isOk()).toBe(true);
    else expect(required._unsafeUnwrapErr()).toEqual({ kind: "precondition_failed" });
  });
});

type Call = (quire: Quire) => Promise<Result<unknown, { readonly kind: string }>>;

const expected = null;

const CALLS: [useCase: keyof UseCases, call: Call][] = [
  [
    "updateUser",
    async ({ app, author }) =>
      app.updateUser(actorFor(author), { id: author.id, changes: { name: name("Grace") }, expected }),
  ],
  [
    "changePassword",
    async ({ app, author }) => {
      const newPassword = password("an even better horse");
      return app.changePassword(actorFor(author), {
        id: author.id,
        currentPassword: PASSWORD,
        newPassword,
        expected: null,
      });
    },
  ],
  [
    "deleteUser",
    async ({ app, author }) => {
      const input = { id: author.id, posts: { kind: "delete" }, currentPassword: PASSWORD, expected } as const;
      return app.deleteUser(actorFor(author), input);
    },
  ],
  [
    "updatePost",
    async (quire) => {
      const { id } = await storedDraft(quire, quire.author);
      return quire.app.updatePost(actorFor(quire.author), { id, edits: { title: title("Another") }, expected });
    },
  ],
  [
    "publishPost",
    async (quire) => {
      const { id } = await storedDraft(quire, quire.author);
      return quire.app.publishPost(actorFor(quire.author), { id, expected }, null);
    },
  ],
  [
    "unpublishPost",
    async (quire) => {
      const { id } = await storedPublishedPost(quire, quire.author);
      return quire.app.unpublishPost(actorFor(quire.author), { id, expected }, null);
    },
  ],
  [
    "deletePost",
    async (quire) => {
      const { id } = await storedDraft(quire, quire.author);
      return quire.app.deletePost(actorFor(quire.author), { id, expected });
    },
  ],
];

/** Loses the first `losses` races for any write to a stored entity. */
async function openLosing(losses: number) {
  const counter = { attempts: 0 };
  const lost = () => ++counter.attempts <= losses;
  const quire = await openQuire({
    users: (real) => ({
      update: async (user, version) => (lost() ? err(CONFLICT) : real.update(user, version)),
      requestRemoval: async (removal) => (lost() ? err(CONFLICT) : real.requestRemoval(removal)),
    }),
    posts: (real) => ({
      update: async (post, version) => (lost() ? err(CONFLICT) : real.update(post, version)),
      delete: async (id, version) => (lost() ? err(CONFLICT) : real.delete(id, version)),
    }),
  });
  return { quire, counter };
}

describe.each(CALLS)("%s", (_useCase, call) => {
  it("succeeds after four lost races", async () => {
    const { quire, counter } = await openLosing(MAX_ATTEMPTS - 1);
    (await call(quire))._unsafeUnwrap();
    expect(counter.attempts).toBe(MAX_ATTEMPTS);
  });

  it("fails with version_conflict after five lost races", async () => {
    const { quire, counter } = await openLosing(MAX_ATTEMPTS);
    expect((await call(quire))._unsafeUnwrapErr()).toEqual(CONFLICT);
    expect(counter.attempts).toBe(MAX_ATTEMPTS);
  });
});

describe("A use case that loses every race", () => {
  it.each(CALLS.slice(0, 3))("changes nothing in users, posts and sessions: %s", async (_useCase, call) => {
    const { quire } = await openLosing(Infinity);
    await storedDraft(quire, quire.author);
    await signIn(quire, quire.author);
    const before = await contentsOf(quire);
    expect((await call(quire)).isErr()).toBe(true);
    expect(await contentsOf(quire)).toEqual(before);
  });
});
