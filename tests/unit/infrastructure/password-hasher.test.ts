import { spawnSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hash as argon2 } from "@node-rs/argon2";
import { describe, expect, it, vi } from "vitest";
import type { PasswordHasher } from "../../../src/application/ports/password-hasher.ts";
import type { Password, PasswordHash } from "../../../src/domain/user/password.ts";
import { argon2id } from "../../../src/infrastructure/crypto/argon2id.ts";
import { argon2idOnThreads } from "../../../src/infrastructure/crypto/hashing-threads.ts";
import { passwordHasher } from "../../../src/infrastructure/crypto/password-hasher.ts";
import { pbkdf2 } from "../../../src/infrastructure/crypto/pbkdf2.ts";
import { passwordHasherContract } from "../../contract/ports/password-hasher.contract.ts";
import { password } from "../../support/fixtures.ts";

const SECRET = password("correct horse battery staple");
const WRONG = password("correct horse battery stapler");

const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64").replaceAll("=", "");

/** PBKDF2 by WebCrypto, apart from the adapter, with as many iterations as a test asks for. */
async function pbkdf2Hash(secret: string, iterations: number): Promise<PasswordHash> {
  const salt = crypto.getRandomValues(new Uint8Array(16));
  const key = await crypto.subtle.importKey("raw", new TextEncoder().encode(secret), "PBKDF2", false, ["deriveBits"]);
  const derived = await crypto.subtle.deriveBits({ name: "PBKDF2", hash: "SHA-256", salt, iterations }, key, 256);
  return `$pbkdf2-sha256$i=${iterations}$${base64(salt)}$${base64(new Uint8Array(derived))}` as PasswordHash;
}

const argon2Hash = async (secret: string, options: Parameters<typeof argon2>[1]) =>
  (await argon2(secret, options)) as PasswordHash;

const verdict = async (hasher: PasswordHasher, secret: Password, hash: PasswordHash | null) =>
  (await hasher.verify(secret, hash))._unsafeUnwrap();

const ARGON2ID = /^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/;
const PBKDF2 = /^\$pbkdf2-sha256\$i=600000\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/;

describe.each([
  { name: "argon2id", algorithm: argon2id, form: ARGON2ID },
  { name: "argon2id on threads of its own", algorithm: argon2idOnThreads(), form: ARGON2ID },
  { name: "pbkdf2-sha256", algorithm: pbkdf2, form: PBKDF2 },
])("passwordHasher with $name", ({ name, algorithm, form }) => {
  const hasher = passwordHasher(algorithm);
  passwordHasherContract(name, hasher);

  it("gives a PHC string that names the algorithm and its parameters", async () => {
    expect((await hasher.hash(SECRET))._unsafeUnwrap()).toMatch(form);
  });
});

describe("passwordHasher with hashes of other parameters", () => {
  const hasher = passwordHasher(argon2id, [pbkdf2]);
  const onEdge = passwordHasher(pbkdf2, [argon2id]);
  const CURRENT = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };

  it.each([
    ["less memory", { ...CURRENT, memoryCost: 8_192 }],
    ["fewer passes", { ...CURRENT, timeCost: 1 }],
  ])("finds a hash of argon2id with %s outdated", async (_, parameters) => {
    const weaker = await argon2Hash(SECRET, parameters);
    expect(await verdict(hasher, SECRET, weaker)).toBe("outdated");
    expect(await verdict(hasher, WRONG, weaker)).toBe("mismatch");
  });

  it("does not find a hash of argon2id outdated that is stronger than new ones", async () => {
    const stronger = await argon2Hash(SECRET, { ...CURRENT, memoryCost: 32_768, timeCost: 3 });
    expect(await verdict(hasher, SECRET, stronger)).toBe("match");
  });

  it("finds a hash of PBKDF2 with fewer iterations outdated", async () => {
    const weaker = await pbkdf2Hash(SECRET, 1_000);
    expect(await verdict(onEdge, SECRET, weaker)).toBe("outdated");
    expect(await verdict(onEdge, WRONG, weaker)).toBe("mismatch");
  });

  it("reads the same PBKDF2 that WebCrypto computes with the current iterations", async () => {
    const hash = await pbkdf2Hash(SECRET, 600_000);
    expect(await verdict(onEdge, SECRET, hash)).toBe("match");
  });

  it("finds a hash of PBKDF2 outdated where argon2id is preferred", async () => {
    const hash = await pbkdf2Hash(SECRET, 600_000);
    expect(await verdict(hasher, SECRET, hash)).toBe("outdated");
    expect(await verdict(hasher, WRONG, hash)).toBe("mismatch");
  });

  it("reads a hash of argon2id where PBKDF2 is preferred", async () => {
    const hash = await argon2Hash(SECRET, CURRENT);
    expect(await verdict(onEdge, SECRET, hash)).not.toBe("mismatch");
    expect(await verdict(onEdge, WRONG, hash)).toBe("mismatch");
  });

  it("hashes with the preferred algorithm", async () => {
    expect((await hasher.hash(SECRET))._unsafeUnwrap()).toMatch(ARGON2ID);
    expect((await onEdge.hash(SECRET))._unsafeUnwrap()).toMatch(PBKDF2);
  });

  it("does not read a hash of an algorithm that it was not given", async () => {
    const hash = await pbkdf2Hash(SECRET, 1_000);
    const result = await passwordHasher(argon2id).verify(SECRET, hash);
    expect(result._unsafeUnwrapErr().kind).toBe("password_hashing_failed");
  });

  it.each([
    ["no iterations", "$pbkdf2-sha256$i=0$c2FsdA$aGFzaA"],
    ["parameters it cannot read", "$pbkdf2-sha256$rounds=1000$c2FsdA$aGFzaA"],
    ["a hash of no bytes", "$pbkdf2-sha256$i=1000$c2FsdA$"],
    ["a salt that is not base64", "$pbkdf2-sha256$i=1000$c$aGFzaA"],
  ])("fails to read a hash of PBKDF2 with %s", async (_, hash) => {
    const result = await onEdge.verify(SECRET, hash as PasswordHash);
    expect(result._unsafeUnwrapErr().kind).toBe("password_hashing_failed");
  });

  it("gives what an algorithm throws as its cause", async () => {
    const cause = new Error("Out of memory");
    const broken = passwordHasher({ ...argon2id, hash: async () => Promise.reject(cause) });
    const failure = { kind: "password_hashing_failed", cause };
    expect((await broken.hash(SECRET))._unsafeUnwrapErr()).toEqual(failure);
    expect((await broken.verify(SECRET, null))._unsafeUnwrapErr()).toEqual(failure);
  });

  it("does for a user who does not exist what it does for a new hash", async () => {
    const hashed: string[] = [];
    const counting = passwordHasher({
      ...argon2id,
      hash: async (secret) => {
        hashed.push(secret);
        return argon2id.hash(secret);
      },
    });
    expect(await verdict(counting, SECRET, null)).toBe("mismatch");
    expect(hashed).toEqual([SECRET]);
  });
});

describe("passwordHasher with a bounded queue", () => {
  const BUSY = { kind: "password_hashing_busy" };

  /** An algorithm whose work never ends. */
  function hanging() {
    const begun: string[] = [];
    const hang = (what: string) => async () => {
      begun.push(what);
      return new Promise<never>(() => {});
    };
    return { begun, algorithm: { ...argon2id, hash: hang("hash"), verify: hang("verify") } };
  }

  it("refuses a user who exists and one who does not exist alike, when too many passwords are compared", async () => {
    const { begun, algorithm } = hanging();
    const hasher = passwordHasher(algorithm, [], { running: 1, waiting: 1 });
    const stored = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA" as PasswordHash;
    void hasher.verify(SECRET, stored);
    void hasher.verify(SECRET, null);
    expect((await hasher.verify(SECRET, stored))._unsafeUnwrapErr()).toEqual(BUSY);
    expect((await hasher.verify(SECRET, null))._unsafeUnwrapErr()).toEqual(BUSY);
    expect(begun).toEqual(["verify"]);
  });

  it("does not refuse a log-in because of registrations", async () => {
    const { algorithm } = hanging();
    const hasher = passwordHasher(algorithm, [], { running: 1, waiting: 1 });
    void hasher.hash(SECRET);
    void hasher.hash(SECRET);
    expect((await hasher.hash(SECRET))._unsafeUnwrapErr()).toEqual(BUSY);
    const logIn = await Promise.race([hasher.verify(SECRET, null), Promise.resolve("waits")]);
    expect(logIn).toBe("waits");
  });
});

/** As many as Node has by default (libuv, uv_queue_work). */
const LIBUV_THREADS = 4;
const fifos = spawnSync("mkfifo", ["--version"]).status === 0;

describe("argon2idOnThreads", () => {
  it.skipIf(!fifos)(
    `needs none of libuv's threads, which files and compression wait for${fifos ? "" : " (skipped: there is no mkfifo)"}`,
    async () => {
      const hasher = passwordHasher(argon2idOnThreads());
      // Started before, as Node reads the files of a thread by those threads.
      const stored = (await hasher.hash(SECRET))._unsafeUnwrap();
      const directory = mkdtempSync(join(tmpdir(), "quire-fifo-"));
      const fifo = join(directory, "fifo");
      spawnSync("mkfifo", [fifo]);
      // To open it for reading takes a thread until somebody opens it for writing.
      const opening = Array.from({ length: LIBUV_THREADS }, async () => open(fifo, "r"));
      let areThreadsTaken = true;
      const opened = Promise.all(opening).then((files) => {
        areThreadsTaken = false;
        return files;
      });
      expect(await verdict(hasher, SECRET, stored)).toBe("match");
      expect(areThreadsTaken).toBe(true);
      const writer = openSync(fifo, "r+");
      for (const file of await opened) await file.close();
      closeSync(writer);
      rmSync(directory, { recursive: true });
    },
  );

  const thread = (onMessage: string) =>
    argon2idOnThreads(
      new URL(
        `data:text/javascript,import { parentPort } from "node:worker_threads"; parentPort.on("message", ({ password }) => { ${onMessage} });`,
      ),
    );

  it("fails with what a thread failed with, and starts another thread for the next password", async () => {
    const algorithm = thread(
      'if (password === "correct horse") parentPort.postMessage({ value: true }); else throw new Error("broken");',
    );
    await expect(algorithm.hash(SECRET)).rejects.toThrow("broken");
    expect(await algorithm.verify(password("correct horse"), "" as PasswordHash)).toBe(true);
  });

  it("fails when a thread ends without an answer, and is not waited for in vain", async () => {
    const algorithm = thread("process.exit(3);");
    await expect(algorithm.hash(SECRET)).rejects.toThrow("The hashing thread ended with 3.");
    await expect(algorithm.hash(SECRET)).rejects.toThrow("The hashing thread ended with 3.");
  });

  it("starts another thread after one that has ended while it was idle", async () => {
    const algorithm = thread('parentPort.postMessage({ value: "hash" }); setImmediate(() => process.exit(0));');
    expect(await algorithm.hash(SECRET)).toBe("hash");
    await vi.waitFor(async () => expect(await algorithm.hash(SECRET)).toBe("hash"), { timeout: 10_000 });
  });
});
