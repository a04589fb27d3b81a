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
    it("answers with the whole user, who is an author at version 1", async () => {
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

    it("says where the user is, with the tag that the owner gets there", async () => {
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

    it("trims the name", async () => {
      const { nobody } = await open();
      const reply = await nobody.post("/v1/users", { ...ADA, name: " \u3000 Ada \t\n" });
      expect(reply.body).toMatchObject({ name: "Ada" });
    });

    it("keeps a name and an address of any script as they are given", async () => {
      const { nobody } = await open();
      const reply = await nobody.post("/v1/users", { ...ADA, name: "Zoë 李 🦜", email: "Zoë@пример.рф" });
      expect(reply.body).toMatchObject({ name: "Zoë 李 🦜", email: "Zoë@пример.рф" });
    });

    it.each([
      ["a zero-width space", "\u200b", "/name: blank"],
      ["a Hangul filler", "\u3164", "/name: blank"],
      ["a soft hyphen", "\u00ad", "/name: blank"],
      ["an override of direction", "\u202egnp.exe", "/name: bidirectional_control"],
      ["a line feed", "a\nb", "/name: control_character"],
      ["a bell", "a\u0007b", "/name: control_character"],
    ])("refuses a name that nobody sees, or that changes what is around it: %s", async (_, name, expected) => {
      const { nobody, author } = await open();
      const registered = await nobody.post("/v1/users", { ...ADA, name });
      expect(problemOf(registered)).toBe("422 validation_failed");
      expect(fieldCodes(registered)).toEqual([expected]);
      const owner = await author();
      expect(fieldCodes(await owner.patch(owner.path, { name }))).toEqual([expected]);
    });

    it("takes white space around the address away, at the log-in and in a change as well", async () => {
      const { nobody, logIn } = await open();
      const registered = await nobody.post("/v1/users", { ...ADA, email: " Ada@Example.org \n" });
      expect(registered.body).toMatchObject({ email: ADA.email });
      expect((await nobody.post("/v1/sessions", { email: `${ADA.email} `, password: PASSWORD })).status).toBe(201);
      const owner = await logIn(ADA.email);
      const changed = await owner.patch(owner.path, { email: "\tgrace@example.org ", currentPassword: PASSWORD });
      expect(changed.body).toMatchObject({ email: "grace@example.org" });
    });

    it.each([
      ["a sharp s of the domain", "info@straße.de", "info@strasse.de"],
      ["an i without a dot", "mıke@example.org", "mike@example.org"],
    ])("tells addresses apart by %s", async (_, one, other) => {
      const { nobody } = await open();
      expect((await nobody.post("/v1/users", { ...ADA, email: one })).status).toBe(201);
      const before = await nobody.post("/v1/sessions", { email: other, password: PASSWORD });
      expect(problemOf(before)).toBe("401 invalid_credentials");
      expect((await nobody.post("/v1/users", { ...ADA, email: other })).status).toBe(201);
    });

    it("takes a domain in Unicode and in its ASCII form for one", async () => {
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

    it("refuses an address that another user has in another case", async () => {
      const { nobody } = await open();
      await nobody.post("/v1/users", ADA);
      const reply = await nobody.post("/v1/users", { ...ADA, email: "aDA@eXAMPLE.ORG" });
      expect(problemOf(reply)).toBe("409 email_taken");
      expect(reply.headers.get("Location")).toBeNull();
    });

    it("lets one of two registrations with one address pass that come at once", async () => {
      const { nobody } = await open();
      const replies = await Promise.all([nobody.post("/v1/users", ADA), nobody.post("/v1/users", ADA)]);
      expect(replies.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([201, 409]);
    });

    it.each([
      ["no name", { name: undefined }, "/name: required"],
      ["null for a name", { name: null }, "/name: wrong_type"],
      ["a number for a name", { name: 1 }, "/name: wrong_type"],
      ["a name of white space", { name: " \t " }, "/name: too_short"],
      ["a name of 101 characters", { name: "é".repeat(101) }, "/name: too_long"],
      ["a name with U+0000", { name: "A\0da" }, "/name: nul_character"],
      ["a name with a lone surrogate", { name: "A\ud800da" }, "/name: lone_surrogate"],
      ["no address", { email: undefined }, "/email: required"],
      ["an object for an address", { email: {} }, "/email: wrong_type"],
      ["an address without an at sign", { email: "ada.example.org" }, "/email: malformed_email"],
      ["an address of 255 characters", { email: `${"a".repeat(243)}@example.org` }, "/email: too_long"],
      ["an address with U+0000", { email: "a\0@example.org" }, "/email: nul_character"],
      ["an address with a lone surrogate", { email: "a\udc00@example.org" }, "/email: lone_surrogate"],
      ["no password", { password: undefined }, "/password: required"],
      ["a list for a password", { password: [PASSWORD] }, "/password: wrong_type"],
      ["a password of 7 characters", { password: "1234567" }, "/password: too_short"],
      ["a password of 1,025 characters", { password: "x".repeat(1_025) }, "/password: too_long"],
      ["a password with U+0000", { password: "1234567\0" }, "/password: nul_character"],
      ["a password with a lone surrogate", { password: "1234567\ud800" }, "/password: lone_surrogate"],
      ["a role that there is not", { role: "editor" }, "/role: not_allowed"],
      ["a field that is unknown", { nickname: "A" }, "/nickname: unknown_field"],
    ])("refuses %s", async (_, fields, expected) => {
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
    ])("takes %s", async (_, fields) => {
      const { nobody } = await open();
      expect((await nobody.post("/v1/users", { ...ADA, ...fields })).status).toBe(201);
    });

    it("names every wrong field at once, each with what to do", async () => {
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

    it("stores nothing when it refuses", async () => {
      const { nobody, admin } = await open();
      const root = await admin();
      await nobody.post("/v1/users", { ...ADA, role: "admin" });
      await nobody.post("/v1/users", { ...ADA, name: "" });
      expect(toPage(await root.get("/v1/users")).items).toEqual([root.user]);
    });
  });

  describe("POST /v1/users by somebody who is logged in", () => {
    it.each(["author", "admin"])("lets an admin create an %s, who can log in", async (role) => {
      const { admin, logIn } = await open();
      const root = await admin();
      const reply = await root.post("/v1/users", { ...ADA, role });
      expect(reply.status).toBe(201);
      expect(reply.body).toMatchObject({ name: ADA.name, email: ADA.email, role, version: 1 });
      const created = await logIn(ADA.email);
      expect(created.user).toEqual(reply.body);
      expect((await root.get(reply.headers.get("Location") ?? "")).headers.get("ETag")).toBe(reply.headers.get("ETag"));
    });

    it("makes an author where an admin gives no role", async () => {
      const { admin } = await open();
      expect((await (await admin()).post("/v1/users", ADA)).body).toMatchObject({ role: "author" });
    });

    it("gives no role on the word of nobody or of an author, not even that of an author", async () => {
      const { nobody, author } = await open();
      for (const client of [nobody, await author()]) {
        for (const role of ["admin", "author"]) {
          expect(problemOf(await client.post("/v1/users", { ...ADA, role }))).toBe("403 forbidden");
        }
      }
      expect((await nobody.post("/v1/users", ADA)).status).toBe(201);
    });

    it("refuses a token that is none, and stores nothing", async () => {
      const { client, nobody } = await open();
      const visitor = client({ Authorization: "Bearer nonsense" });
      expect(problemOf(await visitor.post("/v1/users", ADA))).toBe("401 invalid_session");
      expect((await nobody.post("/v1/users", ADA)).status).toBe(201);
    });
  });

  describe("closed registration", () => {
    const CLOSED = { registration: "closed" } as const;

    it("lets admins alone create users, and says to the others what to do", async () => {
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

    it("tells nobody whether an address is taken", async () => {
      const { nobody, admin } = await open(CLOSED);
      const { email } = await admin();
      for (const address of [email, "nobody@example.org"]) {
        const reply = await nobody.post("/v1/users", { ...ADA, email: address });
        expect(problemOf(reply)).toBe("403 registration_closed");
      }
    });

    it("leaves everything else to users as it is", async () => {
      const { admin, logIn } = await open(CLOSED);
      await (await admin()).post("/v1/users", ADA);
      const ada = await logIn(ADA.email);
      expect((await ada.write({ status: "published" })).status).toBe("published");
      expect((await ada.patch(ada.path, { name: "Ada King" })).status).toBe(200);
      expect((await ada.leave("?posts=delete")).status).toBe(204);
    });
  });

  describe("GET /v1/users", () => {
    it("shows nobody and authors those who have a published post, without address and role", async () => {
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

    it("follows what is published, and taken back", async () => {
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

    it("shows users their own address and role and no other", async () => {
      const { author } = await open();
      const first = await author();
      const second = await author();
      for (const person of [first, second]) await person.write({ status: "published" });
      expect(toPage(await first.get("/v1/users")).items).toEqual([
        { ...second.user, email: null, role: null },
        first.user,
      ]);
    });

    it("shows admins everybody with address and role", async () => {
      const { author, admin } = await open();
      const first = await author();
      const root = await admin();
      expect(toPage(await root.get("/v1/users")).items).toEqual([root.user, first.user]);
    });

    it.each(["nobody", "an admin"])("goes from page to page to the end and back for %s", async (who) => {
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
    it("shows users all of themselves, with the tag that their own path has", async () => {
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

    it("asks those for a log-in who have no session, or one that has ended", async () => {
      const { nobody, author } = await open();
      const former = await author();
      await former.delete("/v1/sessions");
      expect(problemOf(await nobody.get("/v1/users/me"))).toBe("401 authentication_required");
      expect(problemOf(await former.get("/v1/users/me"))).toBe("401 invalid_session");
    });
  });

  describe("GET /v1/users/:id", () => {
    it("hides address and role from nobody and from other authors, with null and not by leaving them out", async () => {
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

    it("shows a user who has published nothing to themself and to admins, and is 404 for others", async () => {
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

    it("shows address and role to its owner and to admins", async () => {
      const { author, admin } = await open();
      const owner = await author();
      const root = await admin();
      expect((await owner.get(owner.path)).body).toEqual({ ...owner.user, email: owner.email, role: "author" });
      expect((await root.get(owner.path)).body).toEqual({ ...owner.user, email: owner.email, role: "author" });
    });

    it("gives what shows the address another tag than what hides it, so that no cache takes one for the other", async () => {
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
      ["the tag", '"1"'],
      ["the tag as a weak one", 'W/"1"'],
      ["a list with the tag", '"7", W/"1" , "x"'],
      ["any tag", "*"],
    ])("answers 304 with nothing but headers to If-None-Match with %s", async (_, header) => {
      const { author } = await open();
      const owner = await author();
      const reply = await owner.get(owner.path, { "If-None-Match": header });
      expect(reply.status).toBe(304);
      expect(reply.headers.get("ETag")).toBe('"1"');
    });

    it("answers with the user to If-None-Match with the tag from before a change", async () => {
      const { author } = await open();
      const owner = await author();
      await owner.patch(owner.path, { name: "Grace" });
      const reply = await owner.get(owner.path, { "If-None-Match": '"1"' });
      expect(reply.status).toBe(200);
      expect(reply.headers.get("ETag")).toBe('"2"');
    });

    it("finds a user by an id in upper case", async () => {
      const { nobody, author } = await open();
      const owner = await author();
      await owner.write({ status: "published" });
      expect((await nobody.get(`/v1/users/${owner.id.toUpperCase()}`)).body).toMatchObject({ id: owner.id });
    });

    it.each(["00000000-0000-7000-8000-000000000000", "1", "ME", "%00", "%E0%A4%A"])(
      "finds nobody at %s",
      async (id) => {
        const { nobody } = await open();
        expect(problemOf(await nobody.get(`/v1/users/${id}`))).toBe("404 user_not_found");
      },
    );
  });

  describe("PATCH /v1/users/:id", () => {
    it("changes what is given, keeps the rest, and answers with the user as they are now", async () => {
      const { author, clock } = await open();
      const owner = await author();
      clock.set(LATER);
      const reply = await owner.patch(owner.path, { name: " Grace Hopper " });
      expect(reply.status).toBe(200);
      expect(reply.body).toEqual({ ...owner.user, name: "Grace Hopper", version: 2, updatedAt: LATER.toISOString() });
      expect(reply.headers.get("ETag")).toBe('"2"');
      expect((await owner.get(owner.path)).body).toEqual(reply.body);
    });

    it("changes the address, with which one logs in from then on", async () => {
      const { author, logIn, nobody } = await open();
      const owner = await author();
      const address = `new.${owner.email}`;
      const change = { email: address, currentPassword: PASSWORD };
      expect((await owner.patch(owner.path, change)).body).toMatchObject({ email: address });
      const before = await nobody.post("/v1/sessions", { email: owner.email, password: PASSWORD });
      expect(problemOf(before)).toBe("401 invalid_credentials");
      expect((await logIn(address)).id).toBe(owner.id);
    });

    it("refuses the address of another user, and keeps what was", async () => {
      const { author } = await open();
      const owner = await author();
      const other = await author();
      const change = { name: "Grace", email: other.email.toUpperCase(), currentPassword: PASSWORD };
      const reply = await owner.patch(owner.path, change);
      expect(problemOf(reply)).toBe("409 email_taken");
      expect((await owner.get(owner.path)).body).toEqual(owner.user);
    });

    it("takes the own address in another case", async () => {
      const { author } = await open();
      const owner = await author();
      const address = owner.email.toUpperCase();
      const change = { email: address, currentPassword: PASSWORD };
      expect((await owner.patch(owner.path, change)).body).toMatchObject({ email: address, version: 2 });
    });

    it("changes no address without the current password, for whoever has a token alone, and ends no session", async () => {
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

    it("ends the user's other sessions with a change of the address, and none with any other change", async () => {
      const { author, logIn } = await open();
      const owner = await author();
      const elsewhere = await logIn(owner.email);
      await owner.patch(owner.path, { name: "Grace", email: owner.email });
      expect((await elsewhere.get("/v1/sessions")).status).toBe(200);
      await owner.patch(owner.path, { email: `new.${owner.email}`, currentPassword: PASSWORD });
      expect((await owner.get("/v1/sessions")).status).toBe(200);
      expect(problemOf(await elsewhere.get("/v1/sessions"))).toBe("401 invalid_session");
    });

    it("lets admins change another's address without a password, and ends all of the user's sessions", async () => {
      const { author, admin, logIn } = await open();
      const owner = await author();
      const root = await admin();
      const address = `new.${owner.email}`;
      expect((await root.patch(owner.path, { email: address })).body).toMatchObject({ email: address });
      expect(problemOf(await owner.get("/v1/sessions"))).toBe("401 invalid_session");
      expect((await root.get("/v1/sessions")).status).toBe(200);
      expect((await logIn(address)).id).toBe(owner.id);
    });

    it("leaves the version as it is when nothing changes", async () => {
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

    it("takes a merge patch under its own media type", async () => {
      const { author } = await open();
      const owner = await author();
      const reply = await owner.patch(
        owner.path,
        { name: "Grace" },
        { "Content-Type": "application/merge-patch+json" },
      );
      expect(reply.body).toMatchObject({ name: "Grace" });
    });

    it("refuses nobody, and other authors, who learn of no user that they may not see", async () => {
      const { nobody, author } = await open();
      const owner = await author();
      expect(problemOf(await (await author()).patch(owner.path, { name: "Eve" }))).toBe("404 user_not_found");
      await owner.write({ status: "published" });
      const other = await author();
      expect(problemOf(await nobody.patch(owner.path, { name: "Eve" }))).toBe("401 authentication_required");
      expect(problemOf(await other.patch(owner.path, { name: "Eve" }))).toBe("403 forbidden");
      expect((await owner.get(owner.path)).body).toEqual(owner.user);
    });

    it("lets admins change everybody, whose address they see in the answer", async () => {
      const { author, admin } = await open();
      const owner = await author();
      const root = await admin();
      const reply = await root.patch(owner.path, { name: "Grace" });
      expect(reply.body).toMatchObject({ name: "Grace", email: owner.email });
      expect(reply.headers.get("ETag")).toBe('"2"');
    });

    it("lets nobody but admins give roles, not even the role that one has", async () => {
      const { author } = await open();
      const owner = await author();
      for (const role of ["admin", "author"]) {
        expect(problemOf(await owner.patch(owner.path, { role }))).toBe("403 forbidden");
      }
      expect((await owner.get(owner.path)).body).toEqual(owner.user);
    });

    it("gives a role when an admin asks, which holds for sessions that are open already", async () => {
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

    it("keeps the role of the last admin, also where two demote each other at once", async () => {
      const { admin } = await open();
      const root = await admin();
      const demotion = { role: "author" };
      expect(problemOf(await root.patch(root.path, demotion))).toBe("409 last_admin");
      const other = await admin();
      const replies = await Promise.all([root.patch(other.path, demotion), other.patch(root.path, demotion)]);
      expect(replies.filter(({ status }) => status === 200)).toHaveLength(1);
      const remaining = replies[0].status === 200 ? root : other;
      const refused = replies.find(({ status }) => status !== 200);
      // The demotion that came second may be asked for by an author by then.
      expect(["409 last_admin", "403 forbidden", "404 user_not_found"]).toContain(refused && problemOf(refused));
      expect((await remaining.get("/v1/users/me")).body).toMatchObject({ role: "admin" });
    });

    it("finds no user to change at an id that nobody has", async () => {
      const { admin } = await open();
      const root = await admin();
      expect(problemOf(await root.patch(`/v1/users/${nextId()}`, { name: "Eve" }))).toBe("404 user_not_found");
      expect(problemOf(await root.patch("/v1/users/me", { name: "Eve" }))).toBe("404 user_not_found");
    });

    it.each([
      ["null, which a merge patch removes a field with", { name: null }, "/name: wrong_type"],
      ["a name of white space", { name: "  " }, "/name: too_short"],
      ["a name with U+0000", { name: "\0" }, "/name: nul_character"],
      ["a name with a lone surrogate", { name: "\udfff" }, "/name: lone_surrogate"],
      ["an address that is none", { email: "x@y" }, "/email: malformed_email"],
      ["an address with U+0000", { email: "x\0@example.org" }, "/email: nul_character"],
      ["an address with a lone surrogate", { email: "x\ud83e@example.org" }, "/email: lone_surrogate"],
      ["a role that there is not", { role: "editor" }, "/role: not_allowed"],
      ["null for a role", { role: null }, "/role: not_allowed"],
      ["a number for the current password", { currentPassword: 12_345_678 }, "/currentPassword: wrong_type"],
      ["a password, which has a route of its own", { password: "12345678" }, "/password: unknown_field"],
      ["a password hash", { passwordHash: "$none$" }, "/passwordHash: unknown_field"],
      ["an id", { id: "00000000-0000-7000-8000-000000000000" }, "/id: unknown_field"],
      ["a version", { version: 9 }, "/version: unknown_field"],
    ])("refuses %s", async (_, patch, expected) => {
      const { author } = await open();
      const owner = await author();
      const reply = await owner.patch(owner.path, patch);
      expect(problemOf(reply)).toBe("422 validation_failed");
      expect(fieldCodes(reply)).toEqual([expected]);
    });
  });

  describe("If-Match on /v1/users/:id", () => {
    it.each([
      ["the tag", '"2"'],
      ["the tag that those get who see no address", '"2-public"'],
      ["a list with the tag", '"7", "2"'],
      ["any tag", "*"],
    ])("lets PATCH and DELETE pass with %s", async (_, header) => {
      const { author } = await open();
      const owner = await author();
      await owner.patch(owner.path, { name: "Grace" });
      expect((await owner.patch(owner.path, {}, { "If-Match": header })).status).toBe(200);
      expect((await owner.leave("", { "If-Match": header })).status).toBe(204);
    });

    it.each([
      ["the tag from before a change", '"1"'],
      ["a tag that is to come", '"3"'],
      ["the tag as a weak one, which never matches", 'W/"2"'],
      ["a list without the tag", '"1", "3"'],
      ["no tag", ""],
      ["what is no tag", "2"],
      ["a tag that is none of ours", '"02"'],
    ])("refuses PATCH and DELETE with %s", async (_, header) => {
      const { author } = await open();
      const owner = await author();
      const changed = await owner.patch(owner.path, { name: "Grace" });
      const patched = await owner.patch(owner.path, { name: "Eve" }, { "If-Match": header });
      expect(problemOf(patched)).toBe("412 precondition_failed");
      expect(problemOf(await owner.leave("", { "If-Match": header }))).toBe("412 precondition_failed");
      expect((await owner.get(owner.path)).body).toEqual(changed.body);
    });

    it("lets one of two changes from the same version pass that come at once", async () => {
      const { author } = await open();
      const owner = await author();
      const replies = await Promise.all(
        ["Grace", "Eve"].map(async (newName) => owner.patch(owner.path, { name: newName }, { "If-Match": '"1"' })),
      );
      expect(replies.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 412]);
    });

    it("lets both of two changes pass that come at once without a condition", async () => {
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

    it("changes the password, answers 204, and ends every session but the one that asked", async () => {
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

    it("gives the user a new version", async () => {
      const { author, clock } = await open();
      const owner = await author();
      clock.set(LATER);
      await owner.put(`${owner.path}/password`, { currentPassword: PASSWORD, newPassword: NEW });
      const expected = { ...owner.user, version: 2, updatedAt: LATER.toISOString() };
      expect((await owner.get(owner.path)).body).toEqual(expected);
    });

    it.each([
      ["another one", "wrong password"],
      ["one too short to be any", "x"],
      ["one with U+0000", "12345678\0"],
    ])("refuses a current password that is %s, and ends no session", async (_, currentPassword) => {
      const { author, logIn } = await open();
      const owner = await author();
      const elsewhere = await logIn(owner.email);
      const reply = await owner.put(`${owner.path}/password`, { currentPassword, newPassword: NEW });
      expect(problemOf(reply)).toBe("403 wrong_password");
      expect((await elsewhere.get("/v1/sessions")).status).toBe(200);
      expect((await logIn(owner.email)).id).toBe(owner.id);
    });

    it("refuses a change of the own password without the current one", async () => {
      const { author, admin } = await open();
      for (const person of [await author(), await admin()]) {
        const reply = await person.put(`${person.path}/password`, { newPassword: NEW });
        expect(problemOf(reply)).toBe("422 current_password_required");
        expect(fieldCodes(reply)).toEqual(["/currentPassword: required"]);
      }
    });

    it("lets admins change another's password without knowing it, and ends all of the user's sessions", async () => {
      const { author, admin, logIn } = await open();
      const owner = await author();
      const root = await admin();
      expect((await root.put(`${owner.path}/password`, { newPassword: NEW })).status).toBe(204);
      expect(problemOf(await owner.get("/v1/sessions"))).toBe("401 invalid_session");
      expect((await root.get("/v1/sessions")).status).toBe(200);
      expect((await logIn(owner.email, NEW)).id).toBe(owner.id);
    });

    it("refuses nobody, other authors, and an id that nobody has", async () => {
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
      ["a number for the current password", { currentPassword: 12_345_678 }, "/currentPassword: wrong_type"],
      ["null for the current password", { currentPassword: null }, "/currentPassword: wrong_type"],
      ["an unknown field", { repeated: NEW }, "/repeated: unknown_field"],
    ])("refuses %s", async (_, fields, expected) => {
      const { author } = await open();
      const owner = await author();
      const change = { currentPassword: PASSWORD, newPassword: NEW, ...fields };
      const reply = await owner.put(`${owner.path}/password`, change);
      expect(problemOf(reply)).toBe("422 validation_failed");
      expect(fieldCodes(reply)).toEqual([expected]);
    });
  });

  describe("DELETE /v1/users/:id", () => {
    it("removes a user who has no posts, with their sessions", async () => {
      const { author, nobody } = await open();
      const owner = await author();
      expect((await owner.leave()).status).toBe(204);
      expect(problemOf(await nobody.get(owner.path))).toBe("404 user_not_found");
      expect(problemOf(await owner.get("/v1/posts"))).toBe("401 invalid_session");
      const again = await nobody.post("/v1/sessions", { email: owner.email, password: PASSWORD });
      expect(problemOf(again)).toBe("401 invalid_credentials");
    });

    it("gives the address free", async () => {
      const { author, nobody } = await open();
      const owner = await author();
      await owner.leave();
      expect((await nobody.post("/v1/users", { ...ADA, email: owner.email })).status).toBe(201);
    });

    it("refuses while the user has posts, drafts included, and says what to do", async () => {
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

    it("removes the posts with the user when asked to, and nobody else's", async () => {
      const { author, nobody } = await open();
      const owner = await author();
      const other = await author();
      const gone = await owner.write({ status: "published" });
      const kept = await other.write({ status: "published" });
      expect((await owner.leave(`?posts=delete`)).status).toBe(204);
      expect(problemOf(await nobody.get(`/v1/posts/${gone.id}`))).toBe("404 post_not_found");
      expect(toPage(await nobody.get("/v1/posts")).items).toEqual([kept]);
    });

    it("gives the posts to another user when an admin asks, each one version on", async () => {
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

    it("puts no author's posts under the name of another at the author's word, nor of themself", async () => {
      const { author, admin, nobody } = await open();
      const [owner, victim, root] = [await author(), await author(), await admin()];
      const post = await owner.write({ title: "Never theirs", status: "published" });
      for (const to of [victim.id, root.id, owner.id, nextId()]) {
        expect(problemOf(await owner.leave(`?posts=reassign&to=${to}`))).toBe("403 forbidden");
      }
      expect(toPage(await nobody.get(`/v1/posts?author=${owner.id}`)).items).toEqual([post]);
      expect(toPage(await root.get(`${victim.path}/posts`)).items).toEqual([]);
    });

    it("refuses to give the posts to somebody who is not there or to the one who goes, and keeps everything", async () => {
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
      ["to that is no id", "posts=reassign&to=grace", "/to: malformed_id"],
      ["an empty to", "posts=reassign&to=", "/to: malformed_id"],
      ["another fate", "posts=keep", "/posts: not_allowed"],
      ["an empty fate", "posts=", "/posts: not_allowed"],
      ["two fates", "posts=delete&posts=reassign", "/posts: repeated"],
      ["an unknown parameter", "force=true", "/force: unknown_field"],
    ])("refuses %s, and removes nobody", async (_, query, expected) => {
      const { author } = await open();
      const owner = await author();
      const reply = await owner.leave(`?${query}`);
      expect(problemOf(reply)).toBe("422 validation_failed");
      expect(fieldCodes(reply)).toEqual([expected]);
      expect((await owner.get(owner.path)).status).toBe(200);
    });

    it("takes a fate for the posts of a user who has none", async () => {
      const { author } = await open();
      const owner = await author();
      expect((await owner.leave(`?posts=delete`)).status).toBe(204);
    });

    it("refuses nobody, other authors, and an id that nobody has", async () => {
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

    it("removes nobody at their own word without the current password, for whoever has a token alone", async () => {
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
      ["a body of another type", { raw: "currentPassword=x" }, "415 unsupported_media_type"],
      ["a body that is no JSON", { raw: "{", headers: { "Content-Type": "application/json" } }, "400 malformed_json"],
      ["a field that is unknown", { json: { password: PASSWORD } }, "422 validation_failed"],
      ["a number for a password", { json: { currentPassword: 1 } }, "422 validation_failed"],
      ["null for a password", { json: { currentPassword: null } }, "422 validation_failed"],
      ["a body of 65,537 bytes", { json: { currentPassword: "x".repeat(65_515) } }, "413 body_too_large"],
    ])("refuses %s", async (_, call, expected) => {
      const { author } = await open();
      const owner = await author();
      expect(problemOf(await owner.call("DELETE", owner.path, call))).toBe(expected);
      expect((await owner.get(owner.path)).status).toBe(200);
    });

    it("takes an empty body for none, whatever its type is said to be", async () => {
      const { author, admin } = await open();
      const [owner, root] = [await author(), await admin()];
      const headers = { "Content-Type": "application/json" };
      expect((await root.call("DELETE", owner.path, { raw: "", headers })).status).toBe(204);
    });

    it("keeps the last admin, also where two delete each other at once", async () => {
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

    it("lets admins remove everybody", async () => {
      const { author, admin, nobody } = await open();
      const owner = await author();
      const root = await admin();
      expect((await root.delete(owner.path)).status).toBe(204);
      expect(problemOf(await nobody.get(owner.path))).toBe("404 user_not_found");
    });
  });

  describe("GET /v1/users/:id/posts", () => {
    it("shows what the viewer may see of the posts of one author", async () => {
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

    it("shows users who have no posts an empty list, and none of a user who is not there", async () => {
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

    it("goes from page to page to the end", async () => {
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

  it("writes times in RFC 3339 with the milliseconds and Z", async () => {
    const { author } = await open();
    const { user } = await author();
    expect(user.createdAt).toBe(NOW.toISOString());
    expect(user.createdAt).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  });
}
