import { describe, expect, it } from "vitest";
import type { Snapshot } from "../../../src/application/idempotency/snapshot.ts";
import { newPostSnapshot, POST_SNAPSHOT } from "../../../src/application/posts/post-snapshot.ts";
import { LOGGED_IN_SNAPSHOT } from "../../../src/application/sessions/logged-in.ts";
import { PROFILE_SNAPSHOT } from "../../../src/application/users/profile-snapshot.ts";
import type { SessionToken } from "../../../src/domain/session/session.ts";
import type { SessionId, UserId } from "../../../src/domain/shared/id.ts";
import { ownProfile } from "../../../src/domain/user/user-profile.ts";
import { aPublishedPost, aUser, LATER, nextId } from "../../../src/testing/fixtures.ts";

const POST = aPublishedPost(nextId<UserId>());
const PROFILE = ownProfile(aUser());
const LOGGED_IN = {
  id: nextId<SessionId>(),
  token: "A".repeat(43) as SessionToken,
  expiresAt: LATER,
  user: PROFILE,
};

const SNAPSHOTS: readonly (readonly [string, Snapshot<unknown>, unknown])[] = [
  ["a post", POST_SNAPSHOT, POST],
  ["a new post", newPostSnapshot(POST), POST],
  ["a profile", PROFILE_SNAPSHOT, PROFILE],
  ["a log-in", LOGGED_IN_SNAPSHOT, LOGGED_IN],
];

const stored = (snapshot: Snapshot<unknown>, value: unknown) =>
  JSON.parse(JSON.stringify(snapshot.write(value))) as Record<string, unknown>;

describe.each(SNAPSHOTS)("the snapshot of %s", (_, snapshot, value) => {
  it("is read as it was written", () => {
    expect(snapshot.read(stored(snapshot, value))).toStrictEqual(value);
  });

  const written = stored(snapshot, value);
  it.each(Object.keys(written).filter((name) => name !== "status"))("is not read without its field '%s'", (name) => {
    expect(snapshot.read({ ...written, [name]: undefined })).toBeNull();
  });
});
