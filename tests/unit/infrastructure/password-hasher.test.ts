import { spawnSync } from "node:child_process";
import { closeSync, existsSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hash as argon2 } from "@node-rs/argon2";
import { describe, expect, it, vi } from "vitest";
import type { PasswordHasher } from "../../../src/application/ports/password-hasher.ts";
import type { Password, PasswordHash } from "../../../src/domain/user/password.ts";
import { argon2id } from "../../../src/infrastructure/crypto/argon2id.ts";
import { argon2idOnThreads, THREAD_LIMITS } from "../../../src/infrastructure/crypto/hashing-threads.ts";
import { argon2idOnWasm } from "../../../src/infrastructure/web/argon2id-wasm.ts";
import { passwordHasher } from "../../../src/infrastructure/crypto/password-hasher.ts";
import { passwordHasherContract } from "../../../src/contracts/password-hasher.contract.ts";
import { password } from "../../../src/testing/fixtures.ts";
import { compiledArgon2id } from "../../support/compiled-argon2id.ts";

const SECRET = password("correct horse battery staple");
const WRONG = password("correct horse battery stapler");

const argon2Hash = async (secret: string, options: Parameters<typeof argon2>[1]) =>
  (await argon2(secret, options)) as PasswordHash;

const verdict = async (hasher: PasswordHasher, secret: Password, hash: PasswordHash | null) =>
  (await hasher.verify(secret, hash))._unsafeUnwrap();

/** Blocks the thread. */
const sleep = (ms: number) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);

const ARGON2ID = /^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/;

const wasm = argon2idOnWasm(compiledArgon2id());

describe.each([
  { name: "argon2id", algorithm: argon2id },
  { name: "argon2id on worker threads", algorithm: argon2idOnThreads() },
  { name: "argon2id in WebAssembly", algorithm: wasm },
])("passwordHasher with $name", ({ name, algorithm }) => {
  const hasher = passwordHasher(algorithm, THREAD_LIMITS);
  passwordHasherContract(name, hasher);

  it("makes a PHC string with the algorithm and its parameters", async () => {
    expect((await hasher.hash(SECRET))._unsafeUnwrap()).toMatch(ARGON2ID);
  });

  it.each([
    ["of argon2i", "$argon2i$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$aGFzaGhhc2g"],
    ["of bcrypt", "$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW"],
  ])("fails for a hash %s", async (_, hash) => {
    const result = await hasher.verify(SECRET, hash as PasswordHash);
    expect(result._unsafeUnwrapErr()).toEqual({ kind: "password_hashing_failed", cause: expect.any(Error) });
  });
});

describe("argon2id in WebAssembly and in native code", () => {
  it.each([
    ["WebAssembly", wasm, "native code", argon2id],
    ["native code", argon2id, "WebAssembly", wasm],
  ])("%s verifies the hashes of the other", async (_, verifying, __, hashing) => {
    for (const secret of [SECRET, password("пароль 漢字 😀"), password("x".repeat(1024))]) {
      const stored = await hashing.hash(secret);
      expect(await verifying.verify(secret, stored)).toBe(true);
      expect(await verifying.verify(WRONG, stored)).toBe(false);
      expect(verifying.isCurrent(stored)).toBe(true);
    }
  });

  it.each([
    { memoryCost: 8_192, timeCost: 1, parallelism: 1 },
    { memoryCost: 32_768, timeCost: 3, parallelism: 2, outputLen: 64 },
    { memoryCost: 131_072, timeCost: 2, parallelism: 4, outputLen: 16 },
  ])("agree on a hash with %o", async (parameters) => {
    const stored = await argon2Hash(SECRET, parameters);
    expect(await wasm.verify(SECRET, stored)).toBe(true);
    expect(await wasm.verify(WRONG, stored)).toBe(false);
  });
});

describe("passwordHasher with stored hashes", () => {
  const hasher = passwordHasher(argon2id, THREAD_LIMITS);
  const CURRENT = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };

  it.each([
    ["less memory", { ...CURRENT, memoryCost: 8_192 }],
    ["fewer passes", { ...CURRENT, timeCost: 1 }],
  ])("returns outdated for an argon2id hash with %s", async (_, parameters) => {
    const weaker = await argon2Hash(SECRET, parameters);
    expect(await verdict(hasher, SECRET, weaker)).toBe("outdated");
    expect(await verdict(hasher, WRONG, weaker)).toBe("mismatch");
  });

  it("returns match for an argon2id hash with stronger parameters than new hashes", async () => {
    const stronger = await argon2Hash(SECRET, { ...CURRENT, memoryCost: 32_768, timeCost: 3 });
    expect(await verdict(hasher, SECRET, stronger)).toBe("match");
  });

  it("fails with the exception of the algorithm as the cause", async () => {
    const cause = new Error("Out of memory");
    const broken = passwordHasher({ ...argon2id, hash: async () => Promise.reject(cause) }, THREAD_LIMITS);
    const failure = { kind: "password_hashing_failed", cause };
    expect((await broken.hash(SECRET))._unsafeUnwrapErr()).toEqual(failure);
    expect((await broken.verify(SECRET, null))._unsafeUnwrapErr()).toEqual(failure);
  });

  it("computes a hash for a user who does not exist, so that the time does not reveal that", async () => {
    const hashed: string[] = [];
    const hash = async (secret: Password) => {
      hashed.push(secret);
      return argon2id.hash(secret);
    };
    const counting = passwordHasher({ ...argon2id, hash }, THREAD_LIMITS);
    expect(await verdict(counting, SECRET, null)).toBe("mismatch");
    expect(hashed).toEqual([SECRET]);
  });
});

describe("passwordHasher with a full queue", () => {
  const BUSY = { kind: "password_hashing_busy" };

  /** An algorithm that never settles. */
  function hanging() {
    const begun: string[] = [];
    const hang = (what: string) => async () => {
      begun.push(what);
      return new Promise<never>(() => {});
    };
    return { begun, algorithm: { ...argon2id, hash: hang("hash"), verify: hang("verify") } };
  }

  it("fails with password_hashing_busy for existing and for missing users", async () => {
    const { begun, algorithm } = hanging();
    const hasher = passwordHasher(algorithm, { running: 1, waiting: 1 });
    const stored = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA" as PasswordHash;
    void hasher.verify(SECRET, stored);
    void hasher.verify(SECRET, null);
    expect((await hasher.verify(SECRET, stored))._unsafeUnwrapErr()).toEqual(BUSY);
    expect((await hasher.verify(SECRET, null))._unsafeUnwrapErr()).toEqual(BUSY);
    expect(begun).toEqual(["verify"]);
  });

  it("queues a log-in although the lane of registrations is full", async () => {
    const { algorithm } = hanging();
    const hasher = passwordHasher(algorithm, { running: 1, waiting: 1 });
    void hasher.hash(SECRET);
    void hasher.hash(SECRET);
    expect((await hasher.hash(SECRET))._unsafeUnwrapErr()).toEqual(BUSY);
    const logIn = await Promise.race([hasher.verify(SECRET, null), Promise.resolve("waits")]);
    expect(logIn).toBe("waits");
  });
});

/** The default of libuv (uv_queue_work). */
const LIBUV_THREADS = 4;
const fifos = spawnSync("mkfifo", ["--version"]).status === 0;

describe("argon2idOnThreads", () => {
  it.skipIf(!fifos)(
    `uses no thread of libuv, which file access and compression need${fifos ? "" : " (skipped: mkfifo is missing)"}`,
    async () => {
      const hasher = passwordHasher(argon2idOnThreads(), THREAD_LIMITS);
      // The worker is started first, because Node reads its files with the threads of libuv.
      const stored = (await hasher.hash(SECRET))._unsafeUnwrap();
      const directory = mkdtempSync(join(tmpdir(), "quire-fifo-"));
      const fifo = join(directory, "fifo");
      spawnSync("mkfifo", [fifo]);
      // Opening a FIFO for reading blocks a thread until it is opened for writing.
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

  it("rejects with the error of a thread, and starts another thread for the next password", async () => {
    const algorithm = thread(
      'if (password === "correct horse") parentPort.postMessage({ value: true }); else throw new Error("broken");',
    );
    await expect(algorithm.hash(SECRET)).rejects.toThrow("broken");
    expect(await algorithm.verify(password("correct horse"), "" as PasswordHash)).toBe(true);
  });

  it("rejects when a thread ends without an answer", async () => {
    const algorithm = thread("process.exit(3);");
    await expect(algorithm.hash(SECRET)).rejects.toThrow("The hashing thread ended with 3.");
    await expect(algorithm.hash(SECRET)).rejects.toThrow("The hashing thread ended with 3.");
  });

  it("starts another thread after one has exited together with its answer", async () => {
    const directory = mkdtempSync(join(tmpdir(), "quire-threads-"));
    const exited = join(directory, "exited");
    const algorithm = thread(
      `parentPort.postMessage({ value: "hash" });
       setImmediate(async () => { (await import("node:fs")).writeFileSync(${JSON.stringify(exited)}, ""); process.exit(0); });`,
    );
    for (let hashes = 0; hashes < 3; hashes++) {
      const hashing = algorithm.hash(SECRET);
      // While this thread is blocked, the other answers and exits, so both events arrive together.
      for (let turn = 0; turn < 1000 && !existsSync(exited); turn++) sleep(10);
      sleep(500);
      rmSync(exited, { force: true });
      expect(await hashing).toBe("hash");
    }
    rmSync(directory, { recursive: true });
  });

  it("starts another thread after an idle one has ended", async () => {
    const algorithm = thread(
      'parentPort.postMessage({ value: "hash" }); if (password === "correct horse") setImmediate(() => process.exit(0));',
    );
    expect(await algorithm.hash(password("correct horse"))).toBe("hash");
    await vi.waitFor(async () => expect(await algorithm.hash(SECRET)).toBe("hash"), { timeout: 10_000 });
  });
});
