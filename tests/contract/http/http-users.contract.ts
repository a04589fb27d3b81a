import { describe, expect, it } from "vitest";
import { LATER, NOW, nextId } from "../../support/fixtures.ts";
import {
  fieldCodes,
  nextLink,
  toPage,
  PASSWORD,
  previousLink,
  problemOf,
  type OpenApi,
  type UserBody,
} from "../../support/api.ts";

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

const ADA = { name: "Ada Lovelace", email: "Ada@Example.org", password: PASSWORD };

export function httpUsersContract(open: OpenApi) {
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

    it("trims white space around the name", async () => {
      const { nobody } = await open();
      const reply = await nobody.post("/v1/users", { ...ADA, name: " \u3000 Ada \t\n" });
      expect(reply.body).toMatchObject({ name: "Ada" });
    });

    it("preserves a name and an address of any script", async () => {
      const { nobody } = await open();
      const reply = await nobody.post("/v1/users", { ...ADA, name: "Zoë 李 🦜", email: "Zoë@пример.рф" });
      expect(reply.body).toMatchObject({ name: "Zoë 李 🦜", email: "Zoë@пример.рф" });
    });

    it.each([
      ["a zero-width space", "\u200b", "/name: blank"],
      ["a Hangul filler", "\u3164", "/name: blank"],
      ["a soft hyphen", "\u00ad", "/name: blank"],
      ["a bidirectional override", "\u202egnp.exe", "/name: bidirectional_control"],
      ["a line feed", "a\nb", "/name: control_character"],
      ["a bell", "a\u0007b", "/name: control_character"],
    ])("rejects a name with an invisible or unsafe character: %s", async (_, name, expected) => {
      const { nobody, author } = await open();
      const registered = await nobody.post("/v1/users", { ...ADA, name });
      expect(problemOf(registered)).toBe("422 validation_failed");
      expect(fieldCodes(registered)).toEqual([expected]);
      const owner = await author();
      expect(fieldCodes(await owner.patch(owner.path, { name }))).toEqual([expected]);
    });

    it("trims white space around the address, also in a log-in and in a PATCH", async () => {
      const { nobody, logIn } = await open();
      const registered = await nobody.post("/v1/users", { ...ADA, email: " Ada@Example.org \n" });
      expect(registered.body).toMatchObject({ email: ADA.email });
      expect((await nobody.post("/v1/sessions", { email: `${ADA.email} `, password: PASSWORD })).status).toBe(201);
      const owner = await logIn(ADA.email);
      const changed = await owner.patch(owner.path, { email: "\tgrace@example.org ", currentPassword: PASSWORD });
      expect(changed.body).toMatchObject({ email: "grace@example.org" });
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

    it("never trims the password", async () => {
      const { nobody } = await open();
      await nobody.post("/v1/users", { ...ADA, password: "  eight of them  " });
      const trimmed = await nobody.post("/v1/sessions", { email: ADA.email, password: "eight of them" });
      expect(problemOf(trimmed)).toBe("401 invalid_credentials");
      const whole = await nobody.post("/v1/sessions", { email: ADA.email, password: "  eight of them  " });
      expect(whole.status).toBe(201);
    });

    it("rejects an address that another user has in another case", async () => {
      const { nobody } = await open();
      await nobody.post("/v1/users", ADA);
      const reply = await nobody.post("/v1/users", { ...ADA, email: "aDA@eXAMPLE.ORG" });
      expect(problemOf(reply)).toBe("409 email_taken");
      expect(reply.headers.get("Location")).toBeNull();
    });

    it("accepts exactly one of two simultaneous registrations of one address", async () => {
      const { nobody } = await open();
      const replies = await Promise.all([nobody.post("/v1/users", ADA), nobody.post("/v1/users", ADA)]);
      expect(replies.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([201, 409]);
    });

    it.each([
      ["no name", { name: undefined }, "/name: required"],
      ["null as the name", { name: null }, "/name: wrong_type"],
      ["a number as the name", { name: 1 }, "/name: wrong_type"],
      ["a name of white space", { name: " \t " }, "/name: too_short"],
      ["a name of 101 characters", { name: "é".repeat(101) }, "/name: too_long"],
      ["a name with U+0000", { name: "A\0da" }, "/name: nul_character"],
      ["a name with a lone surrogate", { name: "A\ud800da" }, "/name: lone_surrogate"],
      ["no address", { email: undefined }, "/email: required"],
      ["an object as the address", { email: {} }, "/email: wrong_type"],
      ["an address without an at sign", { email: "ada.example.org" }, "/email: malformed_email"],
      ["an address of 255 characters", { email: `${"a".repeat(243)}@example.org` }, "/email: too_long"],
      ["an address with U+0000", { email: "a\0@example.org" }, "/email: nul_character"],
      ["an address with a lone surrogate", { email: "a\udc00@example.org" }, "/email: lone_surrogate"],
      ["no password", { password: undefined }, "/password: required"],
      ["an array as the password", { password: [PASSWORD] }, "/password: wrong_type"],
      ["a password of 7 characters", { password: "1234567" }, "/password: too_short"],
      ["a password of 1,025 characters", { password: "x".repeat(1_025) }, "/password: too_long"],
      ["a password with U+0000", { password: "1234567\0" }, "/password: nul_character"],
      ["a password with a lone surrogate", { password: "1234567\ud800" }, "/password: lone_surrogate"],
      ["an unknown role", { role: "editor" }, "/role: not_allowed"],
      ["an unknown field", { nickname: "A" }, "/nickname: unknown_field"],
    ])("rejects %s", async (_, fields, expected) => {
      const { nobody } = await open();
      const reply = await nobody.post("/v1/users", { ...ADA, ...fields });
      expect(problemOf(reply)).toBe("422 validation_failed");
      expect(fieldCodes(reply)).toEqual([expected]);
    });

    it.each([
      ["a name of 100 characters", { name: "🦜".repeat(100) }],
      ["a password of 8 characters", { password: "🦜".repeat(8) }],
      ["a password of 1,024 characters", { password: "🦜".repeat(1_024) }],
      ["an address of 254 characters", { email: `${"a".repeat(242)}@example.org` }],
    ])("accepts %s", async (_, fields) => {
      const { nobody } = await open();
      expect((await nobody.post("/v1/users", { ...ADA, ...fields })).status).toBe(201);
    });

    it("reports every wrong field in one response, each with a remedy", async () => {
      const { nobody } = await open();
      const reply = await nobody.post("/v1/users", { name: 7, email: "none", shoe: 39, "a/b~c": 1 });
      expect(problemOf(reply)).toBe("422 validation_failed");
      expect((reply.body as { errors: unknown[] }).errors).toEqual([
        { in: "body", pointer: "/name", code: "wrong_type", detail: "This must be a string." },
        {
          in: "body",
          pointer: "/email",
          code: "malformed_email",
          detail: "This must be an e-mail address, such as ada@example.org.",
        },
        { in: "body", pointer: "/password", code: "required", detail: "This field is required." },
        {
          in: "body",
          pointer: "/shoe",
          code: "unknown_field",
          detail: "This field is unknown or read-only. Remove it.",
        },
        {
          in: "body",
          pointer: "/a~1b~0c",
          code: "unknown_field",
          detail: "This field is unknown or read-only. Remove it.",
        },
      ]);
    });

    it("stores nothing when it rejects the request", async () => {
      const { nobody, admin } = await open();
      const root = await admin();
      await nobody.post("/v1/users", { ...ADA, role: "admin" });
      await nobody.post("/v1/users", { ...ADA, name: "" });
      expect(toPage(await root.get("/v1/users")).items).toEqual([root.user]);
    });
  });

  describe("POST /v1/users with a session", () => {
    it.each(["author", "admin"])("lets an admin create an %s who can log in", async (role) => {
      const { admin, logIn } = await open();
      const root = await admin();
      const reply = await root.post("/v1/users", { ...ADA, role });
      expect(reply.status).toBe(201);
      expect(reply.body).toMatchObject({ name: ADA.name, email: ADA.email, role, version: 1 });
      const created = await logIn(ADA.email);
      expect(created.user).toEqual(reply.body);
      expect((await root.get(reply.headers.get("Location") ?? "")).headers.get("ETag")).toBe(reply.headers.get("ETag"));
    });

    it("creates an author when an admin gives no role", async () => {
      const { admin } = await open();
      expect((await (await admin()).post("/v1/users", ADA)).body).toMatchObject({ role: "author" });
    });

    it("rejects any role in a request of a guest or an author, the role author included", async () => {
      const { nobody, author } = await open();
      for (const client of [nobody, await author()]) {
        for (const role of ["admin", "author"]) {
          expect(problemOf(await client.post("/v1/users", { ...ADA, role }))).toBe("403 forbidden");
        }
      }
      expect((await nobody.post("/v1/users", ADA)).status).toBe(201);
    });

    it("rejects an invalid token, and stores nothing", async () => {
      const { client, nobody } = await open();
      const visitor = client({ Authorization: "Bearer nonsense" });
      expect(problemOf(await visitor.post("/v1/users", ADA))).toBe("401 invalid_session");
      expect((await nobody.post("/v1/users", ADA)).status).toBe(201);
    });
  });

  describe("closed registration", () => {
    const CLOSED = { registration: "closed" } as const;

    it("lets only admins create users, and tells others to ask an admin", async () => {
      const { nobody, admin, logIn } = await open(CLOSED);
      const root = await admin();
      expect((await root.post("/v1/users", ADA)).status).toBe(201);
      const ada = await logIn(ADA.email);
      for (const client of [nobody, ada]) {
        const reply = await client.post("/v1/users", { ...ADA, email: "other@example.org" });
        expect(problemOf(reply)).toBe("403 registration_closed");
        expect(reply.body).toMatchObject({
          detail: "On this server only admins create users. Ask an admin for an account, or log in as an admin.",
        });
      }
      expect(toPage(await root.get("/v1/users")).items).toHaveLength(2);
    });

    it("does not disclose whether an address is taken", async () => {
      const { nobody, admin } = await open(CLOSED);
      const { email } = await admin();
      for (const address of [email, "nobody@example.org"]) {
        const reply = await nobody.post("/v1/users", { ...ADA, email: address });
        expect(problemOf(reply)).toBe("403 registration_closed");
      }
    });

    it("allows users everything else", async () => {
      const { admin, logIn } = await open(CLOSED);
      await (await admin()).post("/v1/users", ADA);
      const ada = await logIn(ADA.email);
      expect((await ada.write({ status: "published" })).status).toBe("published");
      expect((await ada.patch(ada.path, { name: "Ada King" })).status).toBe(200);
      expect((await ada.leave("?posts=delete")).status).toBe(204);
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

  describe("GET /v1/users/me", () => {
    it("returns the user's own full representation, with the ETag of /v1/users/:id", async () => {
      const { author, admin } = await open();
      for (const person of [await author(), await admin()]) {
        const reply = await person.get("/v1/users/me");
        expect(reply.status).toBe(200);
        expect(reply.body).toEqual(person.user);
        expect(reply.headers.get("ETag")).toBe((await person.get(person.path)).headers.get("ETag"));
        expect((await person.get("/v1/users/me", { "If-None-Match": '"1"' })).status).toBe(304);
        expect(reply.headers.get("Cache-Control")).toBe("private, no-cache");
      }
    });

    it("answers 401 without a session or with a revoked one", async () => {
      const { nobody, author } = await open();
      const former = await author();
      await former.delete("/v1/sessions");
      expect(problemOf(await nobody.get("/v1/users/me"))).toBe("401 authentication_required");
      expect(problemOf(await former.get("/v1/users/me"))).toBe("401 invalid_session");
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

    it("shows address and role to the user and to admins", async () => {
      const { author, admin } = await open();
      const owner = await author();
      const root = await admin();
      expect((await owner.get(owner.path)).body).toEqual({ ...owner.user, email: owner.email, role: "author" });
      expect((await root.get(owner.path)).body).toEqual({ ...owner.user, email: owner.email, role: "author" });
    });

    it("has different ETags with and without the address, so that a cache does not confuse them", async () => {
      const { nobody, author } = await open();
      const owner = await author();
      await owner.write({ status: "published" });
      const full = (await owner.get(owner.path)).headers.get("ETag") ?? "";
      const hidden = (await nobody.get(owner.path)).headers.get("ETag") ?? "";
      expect([full, hidden]).toEqual(['"1"', '"1-public"']);
      expect((await owner.get(owner.path, { "If-None-Match": hidden })).status).toBe(200);
      expect((await nobody.get(owner.path, { "If-None-Match": full })).status).toBe(200);
    });

    it.each([
      ["the current ETag", '"1"'],
      ["the current ETag as a weak one", 'W/"1"'],
      ["a list with the current ETag", '"7", W/"1" , "x"'],
      ["an asterisk", "*"],
    ])("answers 304 without a body to If-None-Match with %s", async (_, header) => {
      const { author } = await open();
      const owner = await author();
      const reply = await owner.get(owner.path, { "If-None-Match": header });
      expect(reply.status).toBe(304);
      expect(reply.headers.get("ETag")).toBe('"1"');
    });

    it("returns the user to If-None-Match with a stale ETag", async () => {
      const { author } = await open();
      const owner = await author();
      await owner.patch(owner.path, { name: "Grace" });
      const reply = await owner.get(owner.path, { "If-None-Match": '"1"' });
      expect(reply.status).toBe(200);
      expect(reply.headers.get("ETag")).toBe('"2"');
    });

    it("accepts an id in upper case", async () => {
      const { nobody, author } = await open();
      const owner = await author();
      await owner.write({ status: "published" });
      expect((await nobody.get(`/v1/users/${owner.id.toUpperCase()}`)).body).toMatchObject({ id: owner.id });
    });

    it.each(["00000000-0000-7000-8000-000000000000", "1", "ME", "%00", "%E0%A4%A"])("answers 404 at %s", async (id) => {
      const { nobody } = await open();
      expect(problemOf(await nobody.get(`/v1/users/${id}`))).toBe("404 user_not_found");
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

    it("rejects a change of the own address without the current password, and revokes no session", async () => {
      const { author, admin, logIn } = await open();
      for (const owner of [await author(), await admin()]) {
        const elsewhere = await logIn(owner.email);
        const change = { name: "Thief", email: "thief@example.net" };
        const without = await owner.patch(owner.path, change);
        expect(problemOf(without)).toBe("422 current_password_required");
        expect(fieldCodes(without)).toEqual(["/currentPassword: required"]);
        for (const currentPassword of ["wrong password", "x", "12345678\0"]) {
          const wrong = await owner.patch(owner.path, { ...change, currentPassword });
          expect(problemOf(wrong)).toBe("403 wrong_password");
        }
        expect((await owner.get(owner.path)).body).toEqual(owner.user);
        expect((await elsewhere.get("/v1/sessions")).status).toBe(200);
      }
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

    it("accepts the media type application/merge-patch+json", async () => {
      const { author } = await open();
      const owner = await author();
      const reply = await owner.patch(
        owner.path,
        { name: "Grace" },
        { "Content-Type": "application/merge-patch+json" },
      );
      expect(reply.body).toMatchObject({ name: "Grace" });
    });

    it("rejects guests and other authors, and does not disclose hidden users", async () => {
      const { nobody, author } = await open();
      const owner = await author();
      expect(problemOf(await (await author()).patch(owner.path, { name: "Eve" }))).toBe("404 user_not_found");
      await owner.write({ status: "published" });
      const other = await author();
      expect(problemOf(await nobody.patch(owner.path, { name: "Eve" }))).toBe("401 authentication_required");
      expect(problemOf(await other.patch(owner.path, { name: "Eve" }))).toBe("403 forbidden");
      expect((await owner.get(owner.path)).body).toEqual(owner.user);
    });

    it("lets admins change any user, and shows them the address", async () => {
      const { author, admin } = await open();
      const owner = await author();
      const root = await admin();
      const reply = await root.patch(owner.path, { name: "Grace" });
      expect(reply.body).toMatchObject({ name: "Grace", email: owner.email });
      expect(reply.headers.get("ETag")).toBe('"2"');
    });

    it("lets only admins set roles, even if the role is unchanged", async () => {
      const { author } = await open();
      const owner = await author();
      for (const role of ["admin", "author"]) {
        expect(problemOf(await owner.patch(owner.path, { role }))).toBe("403 forbidden");
      }
      expect((await owner.get(owner.path)).body).toEqual(owner.user);
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

    it("rejects the demotion of the last admin, also when two admins demote each other simultaneously", async () => {
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

    it("answers 404 for an unknown id", async () => {
      const { admin } = await open();
      const root = await admin();
      expect(problemOf(await root.patch(`/v1/users/${nextId()}`, { name: "Eve" }))).toBe("404 user_not_found");
      expect(problemOf(await root.patch("/v1/users/me", { name: "Eve" }))).toBe("404 user_not_found");
    });

    it.each([
      ["null, which removes a field in a merge patch", { name: null }, "/name: wrong_type"],
      ["a name of white space", { name: "  " }, "/name: too_short"],
      ["a name with U+0000", { name: "\0" }, "/name: nul_character"],
      ["a name with a lone surrogate", { name: "\udfff" }, "/name: lone_surrogate"],
      ["a malformed address", { email: "x@y" }, "/email: malformed_email"],
      ["an address with U+0000", { email: "x\0@example.org" }, "/email: nul_character"],
      ["an address with a lone surrogate", { email: "x\ud83e@example.org" }, "/email: lone_surrogate"],
      ["an unknown role", { role: "editor" }, "/role: not_allowed"],
      ["null as the role", { role: null }, "/role: not_allowed"],
      ["a number as the current password", { currentPassword: 12_345_678 }, "/currentPassword: wrong_type"],
      ["a password, which has its own route", { password: "12345678" }, "/password: unknown_field"],
      ["a password hash", { passwordHash: "$none$" }, "/passwordHash: unknown_field"],
      ["an id", { id: "00000000-0000-7000-8000-000000000000" }, "/id: unknown_field"],
      ["a version", { version: 9 }, "/version: unknown_field"],
    ])("rejects %s", async (_, patch, expected) => {
      const { author } = await open();
      const owner = await author();
      const reply = await owner.patch(owner.path, patch);
      expect(problemOf(reply)).toBe("422 validation_failed");
      expect(fieldCodes(reply)).toEqual([expected]);
    });
  });

  describe("If-Match on /v1/users/:id", () => {
    it.each([
      ["the current ETag", '"2"'],
      ["the current ETag of the representation without the address", '"2-public"'],
      ["a list with the current ETag", '"7", "2"'],
      ["an asterisk", "*"],
    ])("accepts PATCH and DELETE with %s", async (_, header) => {
      const { author } = await open();
      const owner = await author();
      await owner.patch(owner.path, { name: "Grace" });
      expect((await owner.patch(owner.path, {}, { "If-Match": header })).status).toBe(200);
      expect((await owner.leave("", { "If-Match": header })).status).toBe(204);
    });

    it.each([
      ["a stale ETag", '"1"'],
      ["the ETag of a future version", '"3"'],
      ["the current ETag as a weak one, which never matches", 'W/"2"'],
      ["a list without the current ETag", '"1", "3"'],
      ["an empty value", ""],
      ["a number without quotes", "2"],
      ["an ETag in another format", '"02"'],
    ])("rejects PATCH and DELETE with %s", async (_, header) => {
      const { author } = await open();
      const owner = await author();
      const changed = await owner.patch(owner.path, { name: "Grace" });
      const patched = await owner.patch(owner.path, { name: "Eve" }, { "If-Match": header });
      expect(problemOf(patched)).toBe("412 precondition_failed");
      expect(problemOf(await owner.leave("", { "If-Match": header }))).toBe("412 precondition_failed");
      expect((await owner.get(owner.path)).body).toEqual(changed.body);
    });

    it("accepts exactly one of two simultaneous changes of the same version", async () => {
      const { author } = await open();
      const owner = await author();
      const replies = await Promise.all(
        ["Grace", "Eve"].map(async (newName) => owner.patch(owner.path, { name: newName }, { "If-Match": '"1"' })),
      );
      expect(replies.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 412]);
    });

    it("accepts both of two simultaneous changes without If-Match", async () => {
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

    it.each([
      ["wrong", "wrong password"],
      ["too short for a password", "x"],
      ["a text with U+0000", "12345678\0"],
    ])("rejects a current password that is %s, and revokes no session", async (_, currentPassword) => {
      const { author, logIn } = await open();
      const owner = await author();
      const elsewhere = await logIn(owner.email);
      const reply = await owner.put(`${owner.path}/password`, { currentPassword, newPassword: NEW });
      expect(problemOf(reply)).toBe("403 wrong_password");
      expect((await elsewhere.get("/v1/sessions")).status).toBe(200);
      expect((await logIn(owner.email)).id).toBe(owner.id);
    });

    it("rejects a change of the own password without the current one", async () => {
      const { author, admin } = await open();
      for (const person of [await author(), await admin()]) {
        const reply = await person.put(`${person.path}/password`, { newPassword: NEW });
        expect(problemOf(reply)).toBe("422 current_password_required");
        expect(fieldCodes(reply)).toEqual(["/currentPassword: required"]);
      }
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

    it("answers 401 to guests, 403 to other authors, and 404 for an unknown id", async () => {
      const { author, admin, nobody } = await open();
      const owner = await author();
      const other = await author();
      const root = await admin();
      await owner.write({ status: "published" });
      const change = { currentPassword: PASSWORD, newPassword: NEW };
      expect(problemOf(await nobody.put(`${owner.path}/password`, change))).toBe("401 authentication_required");
      expect(problemOf(await other.put(`${owner.path}/password`, change))).toBe("403 forbidden");
      expect(problemOf(await root.put(`/v1/users/${nextId()}/password`, change))).toBe("404 user_not_found");
    });

    it.each([
      ["no new password", { newPassword: undefined }, "/newPassword: required"],
      ["a new password of 7 characters", { newPassword: "1234567" }, "/newPassword: too_short"],
      ["a new password of 1,025 characters", { newPassword: "x".repeat(1_025) }, "/newPassword: too_long"],
      ["a new password with U+0000", { newPassword: "1234567\0" }, "/newPassword: nul_character"],
      ["a new password with a lone surrogate", { newPassword: "1234567\ud800" }, "/newPassword: lone_surrogate"],
      ["a number as the current password", { currentPassword: 12_345_678 }, "/currentPassword: wrong_type"],
      ["null as the current password", { currentPassword: null }, "/currentPassword: wrong_type"],
      ["an unknown field", { repeated: NEW }, "/repeated: unknown_field"],
    ])("rejects %s", async (_, fields, expected) => {
      const { author } = await open();
      const owner = await author();
      const change = { currentPassword: PASSWORD, newPassword: NEW, ...fields };
      const reply = await owner.put(`${owner.path}/password`, change);
      expect(problemOf(reply)).toBe("422 validation_failed");
      expect(fieldCodes(reply)).toEqual([expected]);
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

    it("does not let authors reassign their posts to another user or to themselves", async () => {
      const { author, admin, nobody } = await open();
      const [owner, victim, root] = [await author(), await author(), await admin()];
      const post = await owner.write({ title: "Never theirs", status: "published" });
      for (const to of [victim.id, root.id, owner.id, nextId()]) {
        expect(problemOf(await owner.leave(`?posts=reassign&to=${to}`))).toBe("403 forbidden");
      }
      expect(toPage(await nobody.get(`/v1/posts?author=${owner.id}`)).items).toEqual([post]);
      expect(toPage(await root.get(`${victim.path}/posts`)).items).toEqual([]);
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

    it.each([
      ["reassign without to", "posts=reassign", "/to: required"],
      ["to without reassign", "to=00000000-0000-7000-8000-000000000000", "/to: required"],
      ["to with delete", "posts=delete&to=00000000-0000-7000-8000-000000000000", "/to: required"],
      ["a malformed to", "posts=reassign&to=grace", "/to: malformed_id"],
      ["an empty to", "posts=reassign&to=", "/to: malformed_id"],
      ["an unknown value of posts", "posts=keep", "/posts: not_allowed"],
      ["an empty value of posts", "posts=", "/posts: not_allowed"],
      ["posts twice", "posts=delete&posts=reassign", "/posts: repeated"],
      ["an unknown parameter", "force=true", "/force: unknown_field"],
    ])("rejects %s, and deletes no user", async (_, query, expected) => {
      const { author } = await open();
      const owner = await author();
      const reply = await owner.leave(`?${query}`);
      expect(problemOf(reply)).toBe("422 validation_failed");
      expect(fieldCodes(reply)).toEqual([expected]);
      expect((await owner.get(owner.path)).status).toBe(200);
    });

    it("accepts the parameter posts for a user without posts", async () => {
      const { author } = await open();
      const owner = await author();
      expect((await owner.leave(`?posts=delete`)).status).toBe(204);
    });

    it("answers 401 to guests, 403 to other authors, and 404 for an unknown id", async () => {
      const { author, admin, nobody } = await open();
      const owner = await author();
      const other = await author();
      const root = await admin();
      expect(problemOf(await other.delete(owner.path))).toBe("404 user_not_found");
      await owner.write({ status: "published" });
      expect(problemOf(await nobody.delete(owner.path))).toBe("401 authentication_required");
      expect(problemOf(await other.delete(`${owner.path}?posts=delete`))).toBe("403 forbidden");
      expect(problemOf(await root.delete(`/v1/users/${nextId()}`))).toBe("404 user_not_found");
      expect((await owner.get(owner.path)).body).toEqual(owner.user);
    });

    it("rejects the deletion of the own account without the current password", async () => {
      const { author, admin } = await open();
      const spare = await admin();
      for (const owner of [await author(), await admin()]) {
        const post = await owner.write();
        const path = `${owner.path}?posts=delete`;
        for (const without of [await owner.delete(path), await owner.delete(path, {}, {})]) {
          expect(problemOf(without)).toBe("422 current_password_required");
          expect(fieldCodes(without)).toEqual(["/currentPassword: required"]);
        }
        const wrong = await owner.delete(path, {}, { currentPassword: "wrong password" });
        expect(problemOf(wrong)).toBe("403 wrong_password");
        expect((await spare.get(owner.path)).body).toEqual(owner.user);
        expect((await owner.get(`/v1/posts/${post.id}`)).body).toEqual(post);
      }
    });

    it.each([
      ["a body with another media type", { raw: "currentPassword=x" }, "415 unsupported_media_type"],
      [
        "a body with malformed JSON",
        { raw: "{", headers: { "Content-Type": "application/json" } },
        "400 malformed_json",
      ],
      ["an unknown field", { json: { password: PASSWORD } }, "422 validation_failed"],
      ["a number as the password", { json: { currentPassword: 1 } }, "422 validation_failed"],
      ["null as the password", { json: { currentPassword: null } }, "422 validation_failed"],
      ["a body of 65,537 bytes", { json: { currentPassword: "x".repeat(65_515) } }, "413 body_too_large"],
    ])("rejects %s", async (_, call, expected) => {
      const { author } = await open();
      const owner = await author();
      expect(problemOf(await owner.call("DELETE", owner.path, call))).toBe(expected);
      expect((await owner.get(owner.path)).status).toBe(200);
    });

    it("treats an empty body as no body, whatever its Content-Type", async () => {
      const { author, admin } = await open();
      const [owner, root] = [await author(), await admin()];
      const headers = { "Content-Type": "application/json" };
      expect((await root.call("DELETE", owner.path, { raw: "", headers })).status).toBe(204);
    });

    it("rejects the deletion of the last admin, also when two admins delete each other simultaneously", async () => {
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

    it("lets admins delete any user", async () => {
      const { author, admin, nobody } = await open();
      const owner = await author();
      const root = await admin();
      expect((await root.delete(owner.path)).status).toBe(204);
      expect(problemOf(await nobody.get(owner.path))).toBe("404 user_not_found");
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
