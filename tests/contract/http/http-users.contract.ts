import { describe, expect, it } from "vitest";
import { LATER, NOW, nextId } from "../../../src/testing/fixtures.ts";
import {
  fieldCodes,
  nextLink,
  toPage,
  previousLink,
  problemOf,
  type OpenRemoteApi,
  type UserBody,
} from "../../support/api.ts";
import { PASSWORD } from "../../../src/testing/test-app.ts";

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

const ADA = { name: "Ada Lovelace", email: "Ada@Example.org", password: PASSWORD };

export function httpUsersContract(open: OpenRemoteApi) {
  describe("POST /v1/users", () => {
    it("returns the whole user, with the role author and version 1", async () => {
      const { nobody } = await open();
      const reply = await nobody.post("/v1/users", ADA);
      expect(reply.status).toBe(201);
      expect(reply.body).toEqual({
        id: expect.stringMatching(UUID_V7) as string,
        name: "Ada Lovelace",
        email: "Ada@Example.org",
        role: "author",
        version: 1,
        createdAt: "2026-03-01T12:00:00.123Z",
        updatedAt: "2026-03-01T12:00:00.123Z",
      });
    });

    it("returns the Location and the ETag of the owner's representation", async () => {
      const { nobody, logIn } = await open();
      const reply = await nobody.post("/v1/users", ADA);
      const location = reply.headers.get("Location") ?? "";
      expect(location).toBe(`/v1/users/${(reply.body as UserBody).id}`);
      const owner = await logIn(ADA.email);
      const found = await owner.get(location);
      expect(found.status).toBe(200);
      expect(found.body).toEqual(reply.body);
      expect(reply.headers.get("ETag")).toBe('"1"');
      expect(found.headers.get("ETag")).toBe('"1"');
    });

    it.each([
      ["a sharp s in the domain", "info@straße.de", "info@strasse.de"],
      ["a dotless i", "mıke@example.org", "mike@example.org"],
    ])("accepts addresses as different that differ in %s", async (_, one, other) => {
      const { nobody } = await open();
      expect((await nobody.post("/v1/users", { ...ADA, email: one })).status).toBe(201);
      const before = await nobody.post("/v1/sessions", { email: other, password: PASSWORD });
      expect(problemOf(before)).toBe("401 invalid_credentials");
      expect((await nobody.post("/v1/users", { ...ADA, email: other })).status).toBe(201);
    });

    it("treats a domain in Unicode and its ASCII form as equal", async () => {
      const { nobody } = await open();
      await nobody.post("/v1/users", { ...ADA, email: "ada@bücher.example" });
      const again = await nobody.post("/v1/users", { ...ADA, email: "ada@xn--bcher-kva.example" });
      expect(problemOf(again)).toBe("409 email_taken");
      const session = await nobody.post("/v1/sessions", { email: "ADA@XN--BCHER-KVA.example", password: PASSWORD });
      expect(session.body).toMatchObject({ user: { email: "ada@bücher.example" } });
    });

    it("rejects an address that another user has in another case", async () => {
      const { nobody } = await open();
      await nobody.post("/v1/users", ADA);
      const reply = await nobody.post("/v1/users", { ...ADA, email: "aDA@eXAMPLE.ORG" });
      expect(problemOf(reply)).toBe("409 email_taken");
      expect(reply.headers.get("Location")).toBeNull();
    });

    it("accepts exactly one of two concurrent registrations of one address", async () => {
      const { nobody } = await open();
      const replies = await Promise.all([nobody.post("/v1/users", ADA), nobody.post("/v1/users", ADA)]);
      expect(replies.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([201, 409]);
    });

    it("stores nothing when it rejects the request", async () => {
      const { nobody, admin } = await open();
      const root = await admin();
      await nobody.post("/v1/users", { ...ADA, role: "admin" });
      await nobody.post("/v1/users", { ...ADA, name: "" });
      expect(toPage(await root.get("/v1/users")).items).toEqual([root.user]);
    });
  });

  describe("GET /v1/users", () => {
    it("shows guests and authors only users with a published post, without address and role", async () => {
      const { nobody, author, admin } = await open();
      const [first, drafting, second, silent, root] = [
        await author(),
        await author(),
        await author(),
        await author(),
        await admin(),
      ];
      for (const person of [first, second, root]) await person.write({ status: "published" });
      await drafting.write();
      const expected = [root, second, first].map(({ user }) => ({ ...user, email: null, role: null }));
      for (const viewer of [nobody, silent, drafting]) {
        const reply = await viewer.get("/v1/users");
        expect(reply.body).toEqual({ items: expected, nextCursor: null, previousCursor: null });
        expect(reply.headers.get("Link")).toBeNull();
      }
    });

    it("adds a user with the first published post, and removes a user whose posts are unpublished", async () => {
      const { nobody, author } = await open();
      const owner = await author();
      const listed = async () => toPage(await nobody.get("/v1/users")).items.map(({ id }) => id);
      const post = await owner.write();
      expect(await listed()).toEqual([]);
      await owner.post(`/v1/posts/${post.id}/publish`);
      expect(await listed()).toEqual([owner.id]);
      await owner.post(`/v1/posts/${post.id}/unpublish`);
      expect(await listed()).toEqual([]);
    });

    it("shows users their own address and role and those of no other user", async () => {
      const { author } = await open();
      const first = await author();
      const second = await author();
      for (const person of [first, second]) await person.write({ status: "published" });
      expect(toPage(await first.get("/v1/users")).items).toEqual([
        { ...second.user, email: null, role: null },
        first.user,
      ]);
    });

    it("shows admins all users with address and role", async () => {
      const { author, admin } = await open();
      const first = await author();
      const root = await admin();
      expect(toPage(await root.get("/v1/users")).items).toEqual([root.user, first.user]);
    });

    it.each(["nobody", "an admin"])("paginates forward and backward for %s", async (who) => {
      const { nobody, author, admin } = await open();
      const people = [await author(), await author(), await author()];
      for (const person of people) await person.write({ status: "published" });
      const [first, second, third] = people.map(({ id }) => id);
      const viewer = who === "nobody" ? nobody : await admin();
      const all = who === "nobody" ? [third, second, first] : [(viewer as { id?: string }).id, third, second, first];
      const size = all.length - 1;
      const page = await viewer.get(`/v1/users?limit=${size}`);
      expect(toPage(page).items.map(({ id }) => id)).toEqual(all.slice(0, size));
      const last = await viewer.get(nextLink(page) ?? "");
      expect(toPage(last).items.map(({ id }) => id)).toEqual([first]);
      expect(toPage(last).nextCursor).toBeNull();
      expect(nextLink(last)).toBeNull();
      const back = await viewer.get(previousLink(last) ?? "");
      expect(toPage(back).items).toEqual(toPage(page).items);
      expect(previousLink(back)).toBeNull();
    });
  });

  describe("GET /v1/users/:id", () => {
    it("shows guests and other authors null as address and role", async () => {
      const { nobody, author } = await open();
      const owner = await author();
      await owner.write({ status: "published" });
      const other = await author();
      for (const viewer of [nobody, other]) {
        const reply = await viewer.get(owner.path);
        expect(reply.status).toBe(200);
        expect(reply.body).toEqual({ ...owner.user, email: null, role: null });
      }
    });

    it("shows a user without published posts to that user and to admins, and answers 404 to others", async () => {
      const { nobody, author, admin } = await open();
      const [owner, other, root] = [await author(), await author(), await admin()];
      await owner.write();
      for (const viewer of [nobody, other]) {
        for (const path of [owner.path, root.path, `${owner.path}/posts`]) {
          expect(problemOf(await viewer.get(path))).toBe("404 user_not_found");
        }
      }
      for (const viewer of [owner, root]) expect((await viewer.get(owner.path)).body).toEqual(owner.user);
    });
  });

  describe("PATCH /v1/users/:id", () => {
    it("changes the given fields, keeps the others, and returns the updated user", async () => {
      const { author, clock } = await open();
      const owner = await author();
      clock.set(LATER);
      const reply = await owner.patch(owner.path, { name: " Grace Hopper " });
      expect(reply.status).toBe(200);
      expect(reply.body).toEqual({ ...owner.user, name: "Grace Hopper", version: 2, updatedAt: LATER.toISOString() });
      expect(reply.headers.get("ETag")).toBe('"2"');
      expect((await owner.get(owner.path)).body).toEqual(reply.body);
    });

    it("changes the address for the next log-in", async () => {
      const { author, logIn, nobody } = await open();
      const owner = await author();
      const address = `new.${owner.email}`;
      const change = { email: address, currentPassword: PASSWORD };
      expect((await owner.patch(owner.path, change)).body).toMatchObject({ email: address });
      const before = await nobody.post("/v1/sessions", { email: owner.email, password: PASSWORD });
      expect(problemOf(before)).toBe("401 invalid_credentials");
      expect((await logIn(address)).id).toBe(owner.id);
    });

    it("rejects the address of another user, and changes nothing", async () => {
      const { author } = await open();
      const owner = await author();
      const other = await author();
      const change = { name: "Grace", email: other.email.toUpperCase(), currentPassword: PASSWORD };
      const reply = await owner.patch(owner.path, change);
      expect(problemOf(reply)).toBe("409 email_taken");
      expect((await owner.get(owner.path)).body).toEqual(owner.user);
    });

    it("accepts the user's own address in another case", async () => {
      const { author } = await open();
      const owner = await author();
      const address = owner.email.toUpperCase();
      const change = { email: address, currentPassword: PASSWORD };
      expect((await owner.patch(owner.path, change)).body).toMatchObject({ email: address, version: 2 });
    });

    it("revokes the user's other sessions when the address changes, and none when another field changes", async () => {
      const { author, logIn } = await open();
      const owner = await author();
      const elsewhere = await logIn(owner.email);
      await owner.patch(owner.path, { name: "Grace", email: owner.email });
      expect((await elsewhere.get("/v1/sessions")).status).toBe(200);
      await owner.patch(owner.path, { email: `new.${owner.email}`, currentPassword: PASSWORD });
      expect((await owner.get("/v1/sessions")).status).toBe(200);
      expect(problemOf(await elsewhere.get("/v1/sessions"))).toBe("401 invalid_session");
    });

    it("lets admins change another user's address without a password, and revokes all of the user's sessions", async () => {
      const { author, admin, logIn } = await open();
      const owner = await author();
      const root = await admin();
      const address = `new.${owner.email}`;
      expect((await root.patch(owner.path, { email: address })).body).toMatchObject({ email: address });
      expect(problemOf(await owner.get("/v1/sessions"))).toBe("401 invalid_session");
      expect((await root.get("/v1/sessions")).status).toBe(200);
      expect((await logIn(address)).id).toBe(owner.id);
    });

    it("keeps the version when nothing changes", async () => {
      const { author, clock } = await open();
      const owner = await author();
      clock.set(LATER);
      for (const patch of [{}, { name: owner.user.name }]) {
        const reply = await owner.patch(owner.path, patch);
        expect(reply.status).toBe(200);
        expect(reply.body).toEqual(owner.user);
        expect(reply.headers.get("ETag")).toBe('"1"');
      }
    });

    it("lets an admin set a role, which applies to active sessions", async () => {
      const { author, admin } = await open();
      const owner = await author();
      const other = await author();
      await other.write({ status: "published" });
      const root = await admin();
      expect((await root.patch(owner.path, { role: "admin" })).body).toMatchObject({ role: "admin", version: 2 });
      expect((await owner.patch(other.path, { name: "Grace" })).status).toBe(200);
      expect((await root.patch(owner.path, { role: "author" })).body).toMatchObject({ role: "author" });
      expect(problemOf(await owner.patch(other.path, { name: "Eve" }))).toBe("403 forbidden");
    });

    it("rejects the demotion of the last admin, also when two admins demote each other concurrently", async () => {
      const { admin } = await open();
      const root = await admin();
      const demotion = { role: "author" };
      expect(problemOf(await root.patch(root.path, demotion))).toBe("409 last_admin");
      const other = await admin();
      const replies = await Promise.all([root.patch(other.path, demotion), other.patch(root.path, demotion)]);
      expect(replies.filter(({ status }) => status === 200)).toHaveLength(1);
      const remaining = replies[0].status === 200 ? root : other;
      const refused = replies.find(({ status }) => status !== 200);
      // The client of the second demotion may already be an author.
      expect(["409 last_admin", "403 forbidden", "404 user_not_found"]).toContain(refused && problemOf(refused));
      expect((await remaining.get("/v1/users/me")).body).toMatchObject({ role: "admin" });
    });
  });

  describe("If-Match on /v1/users/:id", () => {
    it("accepts exactly one of two concurrent changes of the same version", async () => {
      const { author } = await open();
      const owner = await author();
      const replies = await Promise.all(
        ["Grace", "Eve"].map(async (newName) => owner.patch(owner.path, { name: newName }, { "If-Match": '"1"' })),
      );
      expect(replies.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 412]);
    });

    it("accepts both of two concurrent changes without If-Match", async () => {
      const { author } = await open();
      const owner = await author();
      const address = `new.${owner.email}`;
      const replies = await Promise.all([
        owner.patch(owner.path, { name: "Grace" }),
        owner.patch(owner.path, { email: address, currentPassword: PASSWORD }),
      ]);
      expect(replies.map(({ status }) => status)).toEqual([200, 200]);
      expect((await owner.get(owner.path)).body).toMatchObject({ name: "Grace", email: address, version: 3 });
    });
  });

  describe("PUT /v1/users/:id/password", () => {
    const NEW = "a brand new pass phrase";

    it("changes the password, answers 204, and revokes all sessions but the current one", async () => {
      const { author, logIn, nobody } = await open();
      const owner = await author();
      const elsewhere = await logIn(owner.email);
      const change = { currentPassword: PASSWORD, newPassword: NEW };
      expect((await owner.put(`${owner.path}/password`, change)).status).toBe(204);
      expect((await owner.get("/v1/sessions")).status).toBe(200);
      expect(problemOf(await elsewhere.get("/v1/sessions"))).toBe("401 invalid_session");
      const old = await nobody.post("/v1/sessions", { email: owner.email, password: PASSWORD });
      expect(problemOf(old)).toBe("401 invalid_credentials");
      expect((await logIn(owner.email, NEW)).id).toBe(owner.id);
    });

    it("increments the version of the user", async () => {
      const { author, clock } = await open();
      const owner = await author();
      clock.set(LATER);
      await owner.put(`${owner.path}/password`, { currentPassword: PASSWORD, newPassword: NEW });
      const expected = { ...owner.user, version: 2, updatedAt: LATER.toISOString() };
      expect((await owner.get(owner.path)).body).toEqual(expected);
    });

    it("lets admins change another user's password without the current one, and revokes all of the user's sessions", async () => {
      const { author, admin, logIn } = await open();
      const owner = await author();
      const root = await admin();
      expect((await root.put(`${owner.path}/password`, { newPassword: NEW })).status).toBe(204);
      expect(problemOf(await owner.get("/v1/sessions"))).toBe("401 invalid_session");
      expect((await root.get("/v1/sessions")).status).toBe(200);
      expect((await logIn(owner.email, NEW)).id).toBe(owner.id);
    });
  });

  describe("DELETE /v1/users/:id", () => {
    it("deletes a user without posts and revokes the sessions of the user", async () => {
      const { author, nobody } = await open();
      const owner = await author();
      expect((await owner.leave()).status).toBe(204);
      expect(problemOf(await nobody.get(owner.path))).toBe("404 user_not_found");
      expect(problemOf(await owner.get("/v1/posts"))).toBe("401 invalid_session");
      const again = await nobody.post("/v1/sessions", { email: owner.email, password: PASSWORD });
      expect(problemOf(again)).toBe("401 invalid_credentials");
    });

    it("releases the address", async () => {
      const { author, nobody } = await open();
      const owner = await author();
      await owner.leave();
      expect((await nobody.post("/v1/users", { ...ADA, email: owner.email })).status).toBe(201);
    });

    it("answers 409 while the user has posts, drafts included, and names the remedy", async () => {
      const { author } = await open();
      const owner = await author();
      const { id } = await owner.write();
      const reply = await owner.leave();
      expect(problemOf(reply)).toBe("409 user_has_posts");
      expect(reply.body).toMatchObject({
        detail: "Choose what happens to the user's posts: ?posts=delete, or as an admin ?posts=reassign&to=<user id>.",
      });
      expect((await owner.get(owner.path)).status).toBe(200);
      expect((await owner.get(`/v1/posts/${id}`)).status).toBe(200);
    });

    it("deletes the posts of the user with posts=delete, and no posts of others", async () => {
      const { author, nobody } = await open();
      const owner = await author();
      const other = await author();
      const gone = await owner.write({ status: "published" });
      const kept = await other.write({ status: "published" });
      expect((await owner.leave(`?posts=delete`)).status).toBe(204);
      expect(problemOf(await nobody.get(`/v1/posts/${gone.id}`))).toBe("404 post_not_found");
      expect(toPage(await nobody.get("/v1/posts")).items).toEqual([kept]);
    });

    it("lets an admin reassign the posts to another user, which increments their versions", async () => {
      const { author, admin, clock } = await open();
      const root = await admin();
      const owner = await author();
      const heir = await author();
      const published = await owner.write({ status: "published" });
      const draft = await owner.write();
      clock.set(LATER);
      expect((await root.delete(`${owner.path}?posts=reassign&to=${heir.id}`)).status).toBe(204);
      const given = { authorId: heir.id, version: 2, updatedAt: LATER.toISOString() };
      expect(toPage(await heir.get(`${heir.path}/posts`)).items).toEqual([
        { ...draft, ...given },
        { ...published, ...given },
      ]);
    });

    it("rejects a reassignment to an unknown or to the deleted user, and changes nothing", async () => {
      const { author, admin } = await open();
      const root = await admin();
      const owner = await author();
      const post = await owner.write();
      for (const to of [nextId(), owner.id, owner.id.toUpperCase()]) {
        const reply = await root.delete(`${owner.path}?posts=reassign&to=${to}`);
        expect(problemOf(reply)).toBe("422 new_author_unfit");
        expect(fieldCodes(reply)).toEqual(["/to: new_author_unfit"]);
      }
      expect((await owner.get(`/v1/posts/${post.id}`)).body).toEqual(post);
      expect((await owner.get(owner.path)).body).toEqual(owner.user);
    });

    it("rejects the deletion of the last admin, also when two admins delete each other concurrently", async () => {
      const { admin } = await open();
      const root = await admin();
      const post = await root.write();
      expect(problemOf(await root.leave("?posts=delete"))).toBe("409 last_admin");
      expect((await root.get(`/v1/posts/${post.id}`)).status).toBe(200);
      await root.delete(`/v1/posts/${post.id}`);
      const other = await admin();
      const replies = await Promise.all([root.delete(other.path), other.delete(root.path)]);
      expect(replies.filter(({ status }) => status === 204)).toHaveLength(1);
      const remaining = replies[0].status === 204 ? root : other;
      expect((await remaining.get("/v1/users/me")).body).toMatchObject({ role: "admin" });
    });
  });

  describe("GET /v1/users/:id/posts", () => {
    it("shows the posts of one author that the client may see", async () => {
      const { nobody, author, admin } = await open();
      const owner = await author();
      const other = await author();
      const root = await admin();
      const published = await owner.write({ status: "published" });
      const draft = await owner.write();
      await other.write({ status: "published" });
      await other.write();
      for (const viewer of [nobody, other]) {
        expect((await viewer.get(`${owner.path}/posts`)).body).toEqual({
          items: [published],
          nextCursor: null,
          previousCursor: null,
        });
      }
      for (const viewer of [owner, root]) {
        expect((await viewer.get(`${owner.path}/posts`)).body).toEqual({
          items: [draft, published],
          nextCursor: null,
          previousCursor: null,
        });
      }
    });

    it("shows users without posts an empty list, and answers 404 for an unknown user", async () => {
      const { nobody, author } = await open();
      const owner = await author();
      expect((await owner.get(`${owner.path}/posts`)).body).toEqual({
        items: [],
        nextCursor: null,
        previousCursor: null,
      });
      expect(problemOf(await nobody.get(`/v1/users/${nextId()}/posts`))).toBe("404 user_not_found");
      expect(problemOf(await nobody.get("/v1/users/me/posts"))).toBe("404 user_not_found");
    });

    it("paginates to the end", async () => {
      const { nobody, author } = await open();
      const owner = await author();
      const first = await owner.write({ status: "published" });
      const second = await owner.write({ status: "published" });
      const page = await nobody.get(`${owner.path}/posts?limit=1`);
      expect(toPage(page).items).toEqual([second]);
      const last = await nobody.get(nextLink(page) ?? "");
      expect(toPage(last)).toMatchObject({ items: [first], nextCursor: null });
      expect(toPage(await nobody.get(previousLink(last) ?? ""))).toMatchObject({
        items: [second],
        previousCursor: null,
      });
    });
  });

  it("formats times in RFC 3339 with milliseconds and Z", async () => {
    const { author } = await open();
    const { user } = await author();
    expect(user.createdAt).toBe(NOW.toISOString());
    expect(user.createdAt).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  });
}
