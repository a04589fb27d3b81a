import { describe, expect, it } from "vitest";
import { useCases } from "../../../src/application/application.ts";
import { administerUsers } from "../../../src/application/users/administer-users.ts";
import { openMemoryStorage } from "../../../src/infrastructure/memory/memory-storage.ts";
import { nodeIdempotencyCipher } from "../../../src/infrastructure/crypto/node-idempotency-cipher.ts";
import { nodeSessionTokens } from "../../../src/infrastructure/crypto/node-session-tokens.ts";
import { listUsers, checkReference, setPassword, setRole } from "../../../src/interfaces/cli/users.ts";
import { fakeHasher } from "../../../src/testing/fake-hasher.ts";
import { recordingLog, aUser, DAY_MS, email, ids, testClock } from "../../../src/testing/fixtures.ts";

async function opened(count = 1) {
  const storage = openMemoryStorage();
  const users = Array.from({ length: count }, () => aUser());
  for (const user of users) (await storage.users.insert(user))._unsafeUnwrap();
  const dependencies = {
    ...storage,
    hasher: fakeHasher,
    tokens: nodeSessionTokens,
    idempotencyCipher: nodeIdempotencyCipher,
    ids,
    clock: testClock(),
    log: recordingLog(),
    sessionIdleMs: DAY_MS,
    registration: "open" as const,
  };
  return { users, operator: administerUsers(dependencies), app: useCases(dependencies) };
}

describe("quire user list", () => {
  it("prints the users of all pages, newest first", async () => {
    const { users, operator } = await opened(205);
    const lines: string[] = [];
    (await listUsers(operator, (line) => lines.push(line) > 0, "columns"))._unsafeUnwrap();
    expect(lines.map((line) => line.split("  ")[0])).toEqual(users.map(({ id }) => id).toReversed());
  });

  it("prints id, role, address and name as columns", async () => {
    const { users, operator } = await opened();
    const lines: string[] = [];
    await listUsers(operator, (line) => lines.push(line) > 0, "columns");
    expect(lines).toEqual([`${users[0]?.id}  author  ${users[0]?.email}  Ada`]);
  });

  it("prints one JSON object a line with --json", async () => {
    const { users, operator } = await opened();
    const lines: string[] = [];
    await listUsers(operator, (line) => lines.push(line) > 0, "json");
    const [{ id, email: address, name, role, createdAt }] = users as [(typeof users)[0] & object];
    expect(lines.map((line) => JSON.parse(line) as object)).toEqual([
      { id, email: address, name, role, createdAt: createdAt.toISOString() },
    ]);
  });

  it("stops when the reader has closed the output", async () => {
    const { operator } = await opened(3);
    const lines: string[] = [];
    (await listUsers(operator, (line) => lines.push(line) < 2, "columns"))._unsafeUnwrap();
    expect(lines).toHaveLength(2);
  });
});

describe("quire user password", () => {
  it("changes the password of a user given by address or by id", async () => {
    const { users, operator, app } = await opened(2);
    for (const user of users) {
      const reference = user === users[0] ? user.email.toUpperCase() : user.id.toUpperCase();
      const changed = (await setPassword(operator, reference, "a new password"))._unsafeUnwrap();
      expect(changed.id).toBe(user.id);
      expect((await app.logIn({ email: email(user.email), password: "a new password" }, null)).isOk()).toBe(true);
    }
  });

  it("rejects a password that is too short", async () => {
    const { users, operator } = await opened();
    expect((await setPassword(operator, users[0]?.email ?? "", "short"))._unsafeUnwrapErr()).toEqual({
      kind: "answer_refused",
      answer: "password",
      detail: "This must have at least 8 characters.",
    });
  });
});

describe("quire user role", () => {
  it("changes the role, and fails with user_not_found for an unknown address", async () => {
    const { users, operator } = await opened();
    expect((await setRole(operator, users[0]?.id ?? "", "admin"))._unsafeUnwrap().role).toBe("admin");
    expect((await setRole(operator, "no@example.org", "admin"))._unsafeUnwrapErr()).toEqual({ kind: "user_not_found" });
  });

  it("accepts an e-mail address or an id as a reference, and rejects any other text", () => {
    expect(checkReference("ada@example.org").isOk()).toBe(true);
    expect(checkReference("01a226c5-5bf8-70c7-8c7a-3164db0605e7").isOk()).toBe(true);
    expect(checkReference("ada")._unsafeUnwrapErr().detail).toContain("must be an e-mail address");
  });
});
