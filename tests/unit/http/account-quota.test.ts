import { describe, expect, it } from "vitest";
import { openMemoryStorage } from "../../../src/infrastructure/memory/memory-storage.ts";
import { openApi, problemOf, type PostBody } from "../../support/api.ts";
import { PASSWORD } from "../../../src/testing/test-app.ts";

const KEY = { "Idempotency-Key": "8e03978e-40d5-43dd-bc93-6894a57f9324" };
const OTHER_KEY = { "Idempotency-Key": "8e03978e-40d5-43dd-bc93-6894a57f9325" };
const EXCEEDED = "507 account_quota_exceeded";
const LONG = { title: "Long", content: "x".repeat(6000) };

/** An author whose account has no room for another post, or for the record of a key. */
async function fullAccount() {
  const api = openApi(openMemoryStorage({ accountQuotaBytes: 16_384 }));
  const author = await api.author();
  const keyed = await author.post("/v1/posts", { title: "Keyed", content: "First words." }, KEY);
  const { id } = await author.write(LONG);
  const path = `/v1/posts/${id}`;
  await author.write({ title: "The rest", content: "x".repeat(4800) });
  return { api, author, keyed, path };
}

describe("a full account", () => {
  it("gets 507 with advice for each write, with and without a key", async () => {
    const { author } = await fullAccount();
    const reply = await author.post("/v1/posts", LONG);
    expect(problemOf(reply)).toBe(EXCEEDED);
    expect((reply.body as { detail: string }).detail).toMatch(
      /^The account's storage quota is used up. Delete or shorten posts/,
    );
    expect(problemOf(await author.post("/v1/posts", LONG, OTHER_KEY))).toBe(EXCEEDED);
  });

  it("cannot lengthen a post, and can shorten or delete one to free space", async () => {
    const { author, path } = await fullAccount();
    expect(problemOf(await author.patch(path, { content: "x".repeat(9000) }))).toBe(EXCEEDED);
    expect((await author.patch(path, { content: "Shorter." })).status).toBe(200);
    expect((await author.post("/v1/posts", { title: "New", content: "Words." })).status).toBe(201);
    expect((await author.delete(path)).status).toBe(204);
  });

  it("can publish without a key, because that stores nothing", async () => {
    const { author, path } = await fullAccount();
    expect(problemOf(await author.post(`${path}/publish`, undefined, OTHER_KEY))).toBe(EXCEEDED);
    const published = await author.post(`${path}/publish`);
    expect([published.status, (published.body as PostBody).status]).toEqual([200, "published"]);
  });

  it("gets the replayed response to an earlier write", async () => {
    const { author, keyed } = await fullAccount();
    const again = await author.post("/v1/posts", { title: "Keyed", content: "First words." }, KEY);
    expect([again.status, again.headers.get("Idempotency-Replayed")]).toEqual([201, "true"]);
    expect(again.body).toEqual(keyed.body);
  });

  it("can log in with a key", async () => {
    const { api, author } = await fullAccount();
    const credentials = { email: author.email, password: PASSWORD };
    expect((await api.nobody.post("/v1/sessions", credentials, OTHER_KEY)).status).toBe(201);
  });

  it("cannot occur with a quota of 0", async () => {
    const author = await openApi(openMemoryStorage({ accountQuotaBytes: 0 })).author();
    for (let i = 0; i < 5; i++) expect((await author.post("/v1/posts", LONG)).status).toBe(201);
  });
});
