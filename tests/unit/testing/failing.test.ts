import { describe, expect, it } from "vitest";
import { failing } from "../../../src/testing/failing.ts";
import { aDraft, aUser } from "../../../src/testing/fixtures.ts";
import { testApp } from "../../../src/testing/test-app.ts";

const body = JSON.stringify({ title: "Hello", content: "First words." });

describe("failing", () => {
  it.each([{}, { "Idempotency-Key": "0123456789abcdef" }])(
    "makes a POST fail when the insertion of posts fails, with the headers %j",
    async (own) => {
      const { app, author, log } = testApp({ storage: failing("posts.insert", "full") });
      const { headers } = await author();
      const response = await app.request("/v1/posts", { method: "POST", headers: { ...headers, ...own }, body });
      expect([response.status, await response.json()]).toEqual([
        507,
        expect.objectContaining({ code: "storage_full" }),
      ]);
      expect(JSON.stringify(log.lines)).toContain("posts.insert fails, because the test requires it.");
      expect(await (await app.request("/v1/posts", { headers })).json()).toMatchObject({ items: [] });
    },
  );

  it("fails in units of work too, and leaves all other methods", async () => {
    const storage = failing("posts.insert", "unavailable");
    const user = aUser();
    expect((await storage.users.insert(user)).isOk()).toBe(true);
    const inUnit = await storage.unitOfWork.run(async ({ posts }) => posts.insert(aDraft(user.id)));
    const failure = { kind: "storage_failure", reason: "unavailable", isTransient: true, operation: "posts.insert" };
    expect(inUnit._unsafeUnwrapErr()).toMatchObject(failure);
    expect((await storage.posts.insert(aDraft(user.id)))._unsafeUnwrapErr()).toMatchObject(failure);
    expect((await storage.users.findById(user.id))._unsafeUnwrap()).toEqual(user);
    expect((await storage.close()).isOk()).toBe(true);
  });

  it("makes the probe and whole units of work fail", async () => {
    const { app } = testApp({ storage: failing("probe.check", "unavailable") });
    expect((await app.request("/health/ready")).status).toBe(503);
    const unit = await failing("unitOfWork.run", "outcome_unknown").unitOfWork.run(async ({ users }) =>
      users.hasAdmin(),
    );
    expect(unit._unsafeUnwrapErr()).toMatchObject({ reason: "outcome_unknown", isTransient: false });
  });

  it("keeps the private fields of a repository that is a class", async () => {
    const { users, ...storage } = failing("users.insert", "busy");
    class Users {
      readonly #users = users;

      async hasAdmin() {
        return this.#users.hasAdmin();
      }
    }
    const broken = failing("users.findById", "busy", { ...storage, users: new Users() as never });
    expect((await broken.users.hasAdmin())._unsafeUnwrap()).toBe(false);
    expect((await broken.users.findById(aUser().id)).isErr()).toBe(true);
  });
});
