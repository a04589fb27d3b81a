import { err } from "neverthrow";
import { describe, expect, it } from "vitest";
import type { PasswordHashingFailed } from "../../../src/application/ports/password-hasher.ts";
import { actorFor, email, name, NOW, password } from "../../../src/testing/fixtures.ts";
import { contentsOf, hashOf, openQuire, outage, type Overrides } from "./support.ts";

const grace = { name: name("Grace"), email: email("Grace@example.org"), password: password("a secret of hers") };

const HASHING_FAILED: PasswordHashingFailed = { kind: "password_hashing_failed", cause: new Error("out of memory") };

const withoutHashing = { hasher: () => ({ hash: async () => err(HASHING_FAILED) }) };

describe("registerUser", () => {
  it("registers anybody as an author and returns all fields except the password hash", async () => {
    const { app } = await openQuire();
    const registered = (await app.registerUser(null, grace, null))._unsafeUnwrap().value;
    expect(registered).toStrictEqual({
      id: expect.any(String),
      name: "Grace",
      email: "Grace@example.org",
      role: "author",
      version: 1,
      createdAt: NOW,
      updatedAt: NOW,
    });
  });

  it("stores the hash of the password and not the password", async () => {
    const { app, storage } = await openQuire();
    const { id } = (await app.registerUser(null, grace, null))._unsafeUnwrap().value;
    const stored = (await storage.users.findById(id))._unsafeUnwrap();
    expect(stored).toMatchObject({ name: "Grace", email: "Grace@example.org", role: "author" });
    expect(stored.passwordHash).toBe(hashOf(grace.password, "current", 1));
  });

  it.each(["nobody", "author"] as const)("returns forbidden when %s sets a role", async (who) => {
    const quire = await openQuire();
    const before = await contentsOf(quire);
    const viewer = who === "nobody" ? null : actorFor(quire[who]);
    for (const role of ["author", "admin"] as const) {
      const refused = await quire.app.registerUser(viewer, { ...grace, role }, null);
      expect(refused._unsafeUnwrapErr()).toEqual({ kind: "forbidden" });
    }
    expect(await contentsOf(quire)).toEqual(before);
  });

  it.each(["author", "admin"] as const)("lets admins create an %s", async (role) => {
    const { app, admin } = await openQuire();
    expect((await app.registerUser(actorFor(admin), { ...grace, role }, null))._unsafeUnwrap().value.role).toBe(role);
  });

  it("lets only admins create users while registration is closed, and hashes no other password", async () => {
    const quire = await openQuire({ registration: "closed", hasher: () => ({ hash: outage as never }) });
    const before = await contentsOf(quire);
    for (const viewer of [null, actorFor(quire.author)]) {
      for (const input of [grace, { ...grace, role: "author" } as const]) {
        const refused = await quire.app.registerUser(viewer, input, null);
        expect(refused._unsafeUnwrapErr()).toEqual({ kind: "registration_closed" });
      }
    }
    expect(await contentsOf(quire)).toEqual(before);
    const { app, admin } = await openQuire({ registration: "closed" });
    expect((await app.registerUser(actorFor(admin), grace, null))._unsafeUnwrap().value.role).toBe("author");
  });

  it("lets the new user log in", async () => {
    const { app } = await openQuire();
    const { id } = (await app.registerUser(null, grace, null))._unsafeUnwrap().value;
    const { user } = (await app.logIn({ email: grace.email, password: grace.password }, null))._unsafeUnwrap().value;
    expect(user.id).toBe(id);
  });

  it.each([
    ["is the same", "grace@example.org"],
    ["differs in case", "GRACE@EXAMPLE.ORG"],
    ["differs in composition", "ｇrace@example.org"],
  ])("rejects an address when the address of another user %s", async (_case, other) => {
    const quire = await openQuire();
    (await quire.app.registerUser(null, { ...grace, email: email("grace@example.org") }, null))._unsafeUnwrap();
    const before = await contentsOf(quire);
    const refused = await quire.app.registerUser(null, { ...grace, email: email(other) }, null);
    expect(refused._unsafeUnwrapErr()).toEqual({ kind: "email_taken" });
    expect(await contentsOf(quire)).toEqual(before);
  });

  it("stores no user when the password cannot be hashed", async () => {
    const quire = await openQuire(withoutHashing);
    const before = await contentsOf(quire);
    expect((await quire.app.registerUser(null, grace, null))._unsafeUnwrapErr()).toBe(HASHING_FAILED);
    expect(await contentsOf(quire)).toEqual(before);
  });
});

describe("createUser", () => {
  it.each(["author", "admin"] as const)("creates an %s", async (role) => {
    const { app, storage } = await openQuire();
    const created = (await app.createUser({ ...grace, role }))._unsafeUnwrap();
    expect(created).toMatchObject({ name: "Grace", email: "Grace@example.org", role, version: 1, createdAt: NOW });
    expect((await storage.users.findById(created.id))._unsafeUnwrap()).toEqual(created);
  });

  it("fails with email_taken for the address of another user", async () => {
    const { app, author } = await openQuire();
    const refused = await app.createUser({ ...grace, email: author.email, role: "admin" });
    expect(refused._unsafeUnwrapErr()).toEqual({ kind: "email_taken" });
  });

  it("fails when the password cannot be hashed", async () => {
    const { app } = await openQuire(withoutHashing);
    expect((await app.createUser({ ...grace, role: "admin" }))._unsafeUnwrapErr()).toBe(HASHING_FAILED);
  });
});

const withoutAdmin = async (overrides: Overrides = {}) => openQuire({ ...overrides, hasNoAdmin: true });

describe("ensureAdmin", () => {
  it("creates the first admin", async () => {
    const { app, storage } = await withoutAdmin();
    const made = (await app.ensureAdmin(grace))._unsafeUnwrap();
    expect(made).toMatchObject({ name: "Grace", email: "Grace@example.org", role: "admin" });
    expect((await storage.users.hasAdmin())._unsafeUnwrap()).toBe(true);
  });

  it("creates no second admin", async () => {
    const quire = await withoutAdmin();
    (await quire.app.ensureAdmin(grace))._unsafeUnwrap();
    const before = await contentsOf(quire);
    const second = await quire.app.ensureAdmin({ ...grace, email: email("other@example.org") });
    expect(second._unsafeUnwrap()).toBeNull();
    expect(await contentsOf(quire)).toEqual(before);
  });

  it("does not change an existing admin", async () => {
    const quire = await openQuire();
    const before = await contentsOf(quire);
    expect((await quire.app.ensureAdmin({ ...grace, email: quire.admin.email }))._unsafeUnwrap()).toBeNull();
    expect(await contentsOf(quire)).toEqual(before);
  });

  it("does not promote a user with the same address", async () => {
    const quire = await withoutAdmin();
    const before = await contentsOf(quire);
    const refused = await quire.app.ensureAdmin({ ...grace, email: quire.author.email });
    expect(refused._unsafeUnwrapErr()).toEqual({ kind: "email_taken" });
    expect(await contentsOf(quire)).toEqual(before);
  });

  it.each([
    ["the same address", grace.email],
    ["another address", email("other@example.org")],
  ])("creates or finds an admin when it runs twice at the same time with %s", async (_case, address) => {
    const { app, storage } = await withoutAdmin();
    const made = await Promise.all([app.ensureAdmin(grace), app.ensureAdmin({ ...grace, email: address })]);
    for (const outcome of made) expect(outcome.isOk()).toBe(true);
    expect((await storage.users.hasAdmin())._unsafeUnwrap()).toBe(true);
  });

  it("fails when the password cannot be hashed", async () => {
    const { app } = await withoutAdmin(withoutHashing);
    expect((await app.ensureAdmin(grace))._unsafeUnwrapErr()).toBe(HASHING_FAILED);
  });
});
