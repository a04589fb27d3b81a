import { beforeAll, describe, expect, it } from "vitest";
import type { PasswordHasher } from "../application/ports/password-hasher.ts";
import type { Password, PasswordHash } from "../domain/user/password.ts";
import { password } from "../testing/fixtures.ts";

const SECRET = password("correct horse battery staple");

/** The contract of every PasswordHasher, whatever its preferred algorithm. */
export function passwordHasherContract(name: string, hasher: PasswordHasher): void {
  describe(`PasswordHasher of ${name}`, () => {
    let stored: PasswordHash;

    beforeAll(async () => {
      stored = (await hasher.hash(SECRET))._unsafeUnwrap();
    });

    const verdict = async (secret: Password, hash: PasswordHash | null) =>
      (await hasher.verify(secret, hash))._unsafeUnwrap();

    it("does not include the password in its hash", () => {
      expect(stored).not.toContain(SECRET);
    });

    it("returns a different hash of the same password each time, because it uses a salt", async () => {
      expect((await hasher.hash(SECRET))._unsafeUnwrap()).not.toBe(stored);
    });

    it("matches the password that was hashed", async () => {
      expect(await verdict(SECRET, stored)).toBe("match");
    });

    it.each([
      ["another password", password("correct horse battery stapler")],
      ["the password in another case", password(SECRET.toUpperCase())],
      ["the password with a space after it", password(`${SECRET} `)],
    ])("does not match %s", async (_, wrong) => {
      expect(await verdict(wrong, stored)).toBe("mismatch");
    });

    it("does not match a hash with one changed character", async () => {
      const last = stored.slice(-2, -1) === "A" ? "B" : "A";
      const changed = (stored.slice(0, -2) + last + stored.slice(-1)) as PasswordHash;
      expect(await verdict(SECRET, changed)).toBe("mismatch");
    });

    it("returns mismatch for a user who does not exist", async () => {
      expect(await verdict(SECRET, null)).toBe("mismatch");
    });

    it("distinguishes a password of 1,024 characters in any script from its first 1,023", async () => {
      const long = password("😀漢ж\u0001".repeat(256));
      const hash = (await hasher.hash(long))._unsafeUnwrap();
      expect(await verdict(long, hash)).toBe("match");
      expect(await verdict(password(long.slice(0, -1)), hash)).toBe("mismatch");
    });

    it("hashes and compares passwords concurrently without mixing them", async () => {
      const secrets = ["first secret of two", "second secret of two"].map(password);
      const hashes = await Promise.all(secrets.map(async (secret) => (await hasher.hash(secret))._unsafeUnwrap()));
      const pairs = secrets.flatMap((secret, i) => hashes.map((hash, j) => ({ secret, hash, isSame: i === j })));
      const verdicts = await Promise.all(pairs.map(async ({ secret, hash }) => verdict(secret, hash)));
      expect(verdicts).toEqual(pairs.map(({ isSame }) => (isSame ? "match" : "mismatch")));
    });

    it.each([
      ["of an unknown algorithm", () => "$bcrypt$v=98$r=12$c2FsdA$aGFzaA"],
      ["in the older form of bcrypt", () => "$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW"],
      ["of argon2i, which is not argon2id", () => "$argon2i$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$aGFzaGhhc2g"],
      ["without the name of an algorithm", () => "correct horse battery staple"],
      ["with no characters", () => ""],
      ["of its own algorithm that is truncated", () => stored.slice(0, stored.lastIndexOf("$"))],
    ])("fails with password_hashing_failed for a hash %s, and throws nothing", async (_, hash) => {
      const failure = (await hasher.verify(SECRET, hash() as PasswordHash))._unsafeUnwrapErr();
      expect(failure).toEqual({ kind: "password_hashing_failed", cause: expect.anything() as unknown });
    });
  });
}
