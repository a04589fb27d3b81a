import { describe, expect, it } from "vitest";
import { compose } from "../../src/bootstrap/compose.ts";
import { openMemoryStorage } from "../../src/infrastructure/memory/memory-storage.ts";
import { warmUp } from "../../src/bootstrap/warm-up.ts";
import { fakeHasher, HTTP_SETTINGS } from "../support/api.ts";
import { aPublishedPost, aUser, DAY_MS, ids, recordingLog, testClock } from "../support/fixtures.ts";
import { nodeIdempotencyCipher } from "../../src/infrastructure/crypto/node-idempotency-cipher.ts";
import { nodeSessionTokens } from "../../src/infrastructure/crypto/node-session-tokens.ts";

async function warmedUp(posts: number) {
  const storage = openMemoryStorage();
  const author = aUser();
  (await storage.users.insert(author))._unsafeUnwrap();
  const written = Array.from({ length: posts }, () => aPublishedPost(author.id));
  for (const post of written) (await storage.posts.insert(post))._unsafeUnwrap();
  const parts = {
    clock: testClock(),
    hasher: fakeHasher,
    tokens: nodeSessionTokens,
    idempotencyCipher: nodeIdempotencyCipher,
    ids,
    sessionIdleMs: DAY_MS,
    registration: "open" as const,
  };
  const { app } = compose({
    ...storage,
    ...parts,
    log: recordingLog(),
    http: HTTP_SETTINGS,
    clientAddress: () => "192.0.2.1",
  });
  const answers: string[] = [];
  await warmUp(async (path, init) => {
    const answer = await app.request(path, init);
    answers.push(`${answer.status} ${path}`);
    return answer;
  });
  return { written, answers };
}

describe("the warm-up", () => {
  it("asks for the list of posts, for what is in it and with a token, as clients do", async () => {
    const { written, answers } = await warmedUp(3);
    expect(answers).toContain("200 /v1/posts");
    for (const { id } of written) expect(answers).toContain(`200 /v1/posts/${id}`);
    expect(answers.filter((answer) => answer.startsWith("401"))).not.toHaveLength(0);
  });

  it("looks posts up where there is none yet", async () => {
    const { answers } = await warmedUp(0);
    expect(answers.filter((answer) => answer.startsWith("404 /v1/posts/"))).not.toHaveLength(0);
  });
});
