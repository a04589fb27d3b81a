import { describe, expect, it } from "vitest";
import { nextId } from "../../../src/testing/fixtures.ts";
import { fieldCodes, toPage, problemOf, type OpenRemoteApi } from "../../support/api.ts";
import { PASSWORD } from "../../../src/testing/test-app.ts";

const ADA = { name: "Ada Lovelace", email: "Ada@Example.org", password: PASSWORD };

/** The rules of users that do not depend on the storage: fields, rights, ETag syntax. They run on memory only. */
export function httpUserRules(open: OpenRemoteApi) {
  describe("POST /v1/users", () => {
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

    it("never trims the password", async () => {
      const { nobody } = await open();
      await nobody.post("/v1/users", { ...ADA, password: "  eight of them  " });
      const trimmed = await nobody.post("/v1/sessions", { email: ADA.email, password: "eight of them" });
      expect(problemOf(trimmed)).toBe("401 invalid_credentials");
      const whole = await nobody.post("/v1/sessions", { email: ADA.email, password: "  eight of them  " });
      expect(whole.status).toBe(201);
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

    it("is the only method of the path", async () => {
      const { admin } = await open();
      const reply = await (await admin()).patch("/v1/users/me", { name: "Eve" });
      expect(problemOf(reply)).toBe("405 method_not_allowed");
      expect(reply.headers.get("Allow")).toBe("GET, HEAD, OPTIONS");
    });
  });

  describe("GET /v1/users/:id", () => {
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

    it("answers 404 for an unknown id", async () => {
      const { admin } = await open();
      const root = await admin();
      expect(problemOf(await root.patch(`/v1/users/${nextId()}`, { name: "Eve" }))).toBe("404 user_not_found");
      expect(problemOf(await root.patch("/v1/users/no-uuid", { name: "Eve" }))).toBe("404 user_not_found");
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
  });

  describe("PUT /v1/users/:id/password", () => {
    const NEW = "a brand new pass phrase";

    it("is rejected with a stale ETag, and changes nothing", async () => {
      const { author, nobody } = await open();
      const owner = await author();
      const change = { currentPassword: PASSWORD, newPassword: NEW };
      const refused = await owner.put(`${owner.path}/password`, change, { "If-Match": '"99"' });
      expect(problemOf(refused)).toBe("412 precondition_failed");
      const { body: user } = await owner.get(owner.path);
      const { email } = user as { readonly email: string };
      expect((await nobody.post("/v1/sessions", { email, password: PASSWORD })).status).toBe(201);
      expect((await owner.put(`${owner.path}/password`, change, { "If-Match": '"1"' })).status).toBe(204);
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

    it.each([
      ["reassign without to", "posts=reassign", "/to: required"],
      ["to without reassign", "to=00000000-0000-7000-8000-000000000000", "/to: contradictory"],
      ["to with delete", "posts=delete&to=00000000-0000-7000-8000-000000000000", "/to: contradictory"],
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

    it("lets admins delete any user", async () => {
      const { author, admin, nobody } = await open();
      const owner = await author();
      const root = await admin();
      expect((await root.delete(owner.path)).status).toBe(204);
      expect(problemOf(await nobody.get(owner.path))).toBe("404 user_not_found");
    });
  });
}
