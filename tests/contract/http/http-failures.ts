import { err, ok, type Result } from "neverthrow";
import { describe, expect, it } from "vitest";
import type { Storage } from "../../../src/application/ports/storage.ts";
import type { PasswordHasher } from "../../../src/application/ports/password-hasher.ts";
import type { StorageFailure } from "../../../src/domain/shared/storage-failure.ts";
import { nodeSessionTokens } from "../../../src/infrastructure/crypto/node-session-tokens.ts";
import { HTTP_SETTINGS, problemOf, type Api, type OpenApi } from "../../support/api.ts";
import { FAKE_HASH, fakeHasher } from "../../../src/testing/fake-hasher.ts";
import { PASSWORD } from "../../../src/testing/test-app.ts";

const AN_ID = "00000000-0000-7000-8000-000000000000";
const SECRET = "hunter2 at /var/lib/quire";

const OUTAGE: StorageFailure = {
  kind: "storage_failure",
  reason: "unavailable",
  isTransient: true,
  operation: "test",
  cause: null,
};

const JSON_TYPE = { "Content-Type": "application/json" };

/** Logs, failures and secrets: a test replaces adapters of the API, or reads its log. */
export function httpFailureTests(open: OpenApi, openStorage: () => Promise<Storage>) {
  /** The API on a storage that throws when posts are listed. */
  const crashing = async (thrown: unknown) => {
    const storage = await openStorage();
    const list = async () => {
      throw thrown;
    };
    return open({ ...storage, posts: { ...storage.posts, list } });
  };

  /** The API on a storage that fails when posts are listed. */
  const failing = async (reason: StorageFailure["reason"]) => {
    const storage = await openStorage();
    const failure = { ...OUTAGE, reason, isTransient: false, operation: "posts.list", cause: new Error(SECRET) };
    const list = async (): Promise<Result<never, StorageFailure>> => err(failure);
    return { failure, ...(await open({ ...storage, posts: { ...storage.posts, list } })) };
  };

  describe("the log", () => {
    it("has one line for each request with its address, user, method, path and result", async () => {
      const { author, log } = await open();
      const owner = await author();
      const before = log.lines.length;
      const reply = await owner.get(`${owner.path}?trace=1`, { "X-Request-Id": "request-1" });
      expect(log.lines.slice(before)).toEqual([
        {
          level: "info",
          message: "request",
          fields: {
            requestId: "request-1",
            clientAddress: expect.any(String) as string,
            userId: owner.id,
            method: "GET",
            path: owner.path,
            status: reply.status,
            code: "validation_failed",
            bytes: Buffer.byteLength(reply.text),
            durationMs: expect.any(Number) as number,
          },
        },
      ]);
    });

    it("has the problem code of a response", async () => {
      const { nobody, log } = await open();
      await nobody.get("/nowhere");
      await nobody.post("/v1/sessions", { email: "nobody@example.org", password: "not the password" });
      await nobody.post("/v1/users", { name: "" });
      await nobody.post("/v1/posts", {});
      const codes = log.lines.map(({ fields }) => ("code" in fields ? fields.code : null));
      expect(codes).toEqual(["route_not_found", "invalid_credentials", "validation_failed", "authentication_required"]);
    });

    it("has the Content-Length of a request", async () => {
      const { nobody, log } = await open();
      await nobody.post("/v1/sessions", { email: "ada@example.org" }, { "Content-Length": "27" });
      expect(log.lines.at(-1)?.fields).toMatchObject({ requestBytes: 27 });
    });

    it("has 0 bytes for a response without a body", async () => {
      const { author, nobody, log } = await open();
      const owner = await author();
      const tag = (await nobody.get("/v1/posts")).headers.get("ETag") ?? "";
      const before = log.lines.length;
      await nobody.get("/v1/posts", { "If-None-Match": tag });
      await nobody.call("HEAD", "/v1/posts");
      await owner.delete("/v1/sessions");
      const lines = log.lines.slice(before).map(({ fields }) => fields as Readonly<Record<string, unknown>>);
      expect(lines.map(({ status, bytes }) => [status, bytes])).toEqual([
        [304, 0],
        [200, 0],
        [204, 0],
      ]);
    });

    it("truncates a path that is longer than every path of the API", async () => {
      const { nobody, log } = await open();
      await nobody.get(`/${"x".repeat(9000)}`);
      expect(log.lines.at(-1)?.fields).toMatchObject({ path: `/${"x".repeat(511)}…` });
    });

    it("has no client address when logsClientAddress is false", async () => {
      const { nobody, log } = await open({ http: { ...HTTP_SETTINGS, logsClientAddress: false } });
      await nobody.get("/v1/posts");
      expect(log.lines.at(-1)?.fields).toHaveProperty("clientAddress", undefined);
    });
  });

  describe("a request", () => {
    it.each([
      ["POST", "/v1/posts"],
      ["PATCH", `/v1/posts/${AN_ID}`],
      ["POST", `/v1/posts/${AN_ID}/publish`],
    ])("of %s %s whose body is aborted is no error: the answer is 400", async (method, path) => {
      const { author, log } = await open();
      const owner = await author();
      const broken = new ReadableStream<Uint8Array>({ pull: (controller) => controller.error(new Error("aborted")) });
      const reply = await owner.call(method, path, { raw: broken, headers: JSON_TYPE });
      expect(problemOf(reply)).toBe("400 malformed_request");
      expect(log.lines.filter(({ level }) => level === "error")).toEqual([]);
    });

    it.each(["x".repeat(65), "a b", "<script>", '{"level":"error"}', "é"])(
      "with the malformed id %o does not write it into the log",
      async (given) => {
        const { nobody, log } = await open();
        await nobody.get("/nowhere", { "X-Request-Id": given });
        expect(JSON.stringify(log.lines)).not.toContain(given);
      },
    );
  });

  describe("an exception", () => {
    it("answers 500 and discloses no internals", async () => {
      const { nobody } = await crashing(new Error(SECRET));
      const reply = await nobody.get("/v1/posts");
      expect(problemOf(reply)).toBe("500 internal_error");
      expect(JSON.stringify([reply.text, ...reply.headers])).not.toContain("hunter2");
      expect(reply.text).not.toMatch(/stack|\.ts|node_modules/);
    });

    it("is logged as an error, with the request id of the response", async () => {
      const error = new Error(SECRET);
      const { nobody, log } = await crashing(error);
      const reply = await nobody.get("/v1/posts");
      expect(log.lines).toHaveLength(1);
      expect(log.lines).toMatchObject([
        {
          level: "error",
          message: "request failed",
          fields: { requestId: reply.headers.get("X-Request-Id"), method: "GET", path: "/v1/posts", status: 500 },
        },
      ]);
      expect(log.lines[0]?.fields).toHaveProperty("error", error);
    });

    it.each([
      ["a string", SECRET],
      ["an object", { code: SECRET }],
      ["undefined", undefined],
    ])("answers 500 and is logged when the thrown value is %s", async (_, thrown) => {
      const { nobody, log } = await crashing(thrown);
      const reply = await nobody.get("/v1/posts");
      expect(problemOf(reply)).toBe("500 internal_error");
      expect(reply.text).not.toContain("hunter2");
      expect(log.lines).toMatchObject([{ level: "error", fields: { status: 500 } }]);
    });

    it("in a unit of work answers 500 and is logged, and the next request succeeds", async () => {
      const storage = await openStorage();
      let crashes = 1;
      const { author, nobody, log } = await open({
        ...storage,
        unitOfWork: {
          run: async (work) =>
            storage.unitOfWork.run(async (repositories) => {
              if (crashes-- > 0) throw new Error(SECRET);
              return work(repositories);
            }),
        },
      });
      await nobody.post("/v1/users", { name: "Ada", email: "ada@example.org", password: PASSWORD });
      const credentials = { email: "ada@example.org", password: PASSWORD };
      const crashed = await nobody.post("/v1/sessions", credentials);
      expect(problemOf(crashed)).toBe("500 internal_error");
      expect(log.lines.at(-1)).toMatchObject({ level: "error" });
      expect((await nobody.post("/v1/sessions", credentials)).status).toBe(201);
      expect((await author()).user.role).toBe("author");
    });
  });

  describe("a failure of the store", () => {
    it.each([
      ["unavailable", "503 storage_unavailable", "1"],
      ["busy", "503 storage_busy", "1"],
      ["outcome_unknown", "503 outcome_unknown", null],
      ["full", "507 storage_full", null],
      ["corrupt", "500 storage_corrupt", null],
    ] as const)(
      "with the reason %s answers %s with Retry-After %s, hides its cause, and is logged",
      async (reason, expectedProblem, retry) => {
        const { nobody, log, failure } = await failing(reason);
        const reply = await nobody.get("/v1/posts");
        expect(problemOf(reply)).toBe(expectedProblem);
        expect(reply.headers.get("Retry-After")).toBe(retry);
        expect(reply.text).not.toMatch(/hunter2|posts\.list/);
        expect(log.lines).toMatchObject([{ level: "error", fields: { status: reply.status } }]);
        expect(log.lines[0]?.fields).toHaveProperty("failure", failure);
      },
    );

    it("is distinguished from an invalid token", async () => {
      const storage = await openStorage();
      const failure = { ...OUTAGE, operation: "sessions.find" };
      const sessions = { ...storage.sessions, findByTokenDigest: async () => err(failure) };
      const { client } = await open({ ...storage, sessions });
      const visitor = client({ Authorization: `Bearer ${"A".repeat(43)}` });
      expect(problemOf(await visitor.get("/v1/posts"))).toBe("503 storage_unavailable");
    });

    it("of password hashing answers 500, hides its cause, and is logged", async () => {
      const cause = new Error(SECRET);
      const hasher: PasswordHasher = {
        ...fakeHasher,
        hash: async () => err({ kind: "password_hashing_failed", cause }),
      };
      const { nobody, log } = await open({ hasher });
      const reply = await nobody.post("/v1/users", { name: "Ada", email: "ada@example.org", password: PASSWORD });
      expect(problemOf(reply)).toBe("500 password_hashing_failed");
      expect(reply.text).not.toContain("hunter2");
      expect(log.lines[0]?.fields).toHaveProperty("failure", { kind: "password_hashing_failed", cause });
    });

    it("answers 409 with Retry-After when every attempt of a write has a version conflict", async () => {
      const storage = await openStorage();
      const users = { ...storage.users, update: async () => err({ kind: "version_conflict" as const }) };
      const { author } = await open({ ...storage, users });
      const owner = await author();
      const reply = await owner.patch(owner.path, { name: "Grace" });
      expect(problemOf(reply)).toBe("409 version_conflict");
      expect(reply.headers.get("Retry-After")).toBe("1");
    });
  });

  describe("health", () => {
    it("reports live and not ready while the database is unavailable", async () => {
      const failure = { ...OUTAGE, operation: "probe.check", cause: new Error(SECRET) };
      const { nobody } = await open({ probe: { check: async () => err(failure) } });
      expect((await nobody.get("/health/live")).status).toBe(200);
      const reply = await nobody.get("/health/ready");
      expect(problemOf(reply)).toBe("503 storage_unavailable");
      expect(reply.text).not.toContain("hunter2");
    });

    it("reports ready and not writable while the disk is full", async () => {
      const { nobody } = await open({ probe: { check: async () => ok({ durability: "fsync", writable: false }) } });
      const reply = await nobody.get("/health/ready");
      expect([reply.status, reply.body]).toEqual([200, expect.objectContaining({ writable: false })]);
    });

    it("reports ready and load shedding while the server sheds load", async () => {
      const { nobody } = await open({ load: () => "shedding" });
      const reply = await nobody.get("/health/ready");
      expect([reply.status, reply.body]).toEqual([200, expect.objectContaining({ status: "ready", load: "shedding" })]);
    });

    it("reports not ready while the schema is outdated", async () => {
      const { nobody } = await open({ probe: { check: async () => err({ kind: "schema_outdated" }) } });
      expect(problemOf(await nobody.get("/health/ready"))).toBe("503 schema_outdated");
    });
  });

  describe("secrets", () => {
    const OTHER_PASSWORD = "Tr0ub4dor & three words";

    it("are in no line of the log, and in no response except the token of a log-in", async () => {
      const issued: { token: string; digest: string }[] = [];
      const hashes: string[] = [];
      const api = await open({
        tokens: {
          ...nodeSessionTokens,
          issue: async () => {
            const one = await nodeSessionTokens.issue();
            issued.push(one);
            return one;
          },
        },
        hasher: {
          ...fakeHasher,
          hash: async (plain) => {
            const hash = await fakeHasher.hash(plain);
            hashes.push(hash._unsafeUnwrap());
            return ok(hash._unsafeUnwrap());
          },
        },
      });
      const answers = await aDayOfCalls(api);
      const logged = JSON.stringify(api.log.lines);
      const received = JSON.stringify(answers);

      expect(issued.length).toBeGreaterThan(0);
      expect(hashes.length).toBeGreaterThan(0);
      for (const secret of [PASSWORD, OTHER_PASSWORD, FAKE_HASH, ...hashes, ...issued.map(({ digest }) => digest)]) {
        expect(logged).not.toContain(secret);
        expect(received).not.toContain(secret);
      }
      for (const { token } of issued) {
        expect(logged).not.toContain(token);
        expect(received).not.toContain(token);
      }
    });

    /** Valid and invalid requests with passwords and tokens. The responses of log-ins, which contain tokens, are omitted. */
    async function aDayOfCalls({ author, admin, logIn, nobody, client }: Api) {
      const owner = await author();
      const root = await admin();
      const elsewhere = await logIn(owner.email);
      const passwordPath = `${owner.path}/password`;
      const replies = [
        await nobody.post("/v1/users", { name: PASSWORD.repeat(5), email: PASSWORD, password: PASSWORD }),
        await nobody.post("/v1/users", { name: "A", email: owner.email, password: PASSWORD }),
        await nobody.post("/v1/users", { name: "A", email: "a@example.org", password: [PASSWORD] }),
        await nobody.post("/v1/sessions", { email: owner.email, password: OTHER_PASSWORD }),
        await nobody.post("/v1/sessions", { email: owner.email, password: PASSWORD, more: 1 }),
        await nobody.call("POST", "/v1/sessions", { raw: `{"password":"${PASSWORD}"`, headers: JSON_TYPE }),
        await nobody.get(`/v1/posts?token=1&password=${encodeURIComponent(PASSWORD)}`),
        await owner.get("/v1/sessions"),
        await owner.get("/v1/users"),
        await root.get("/v1/users"),
        await owner.get(owner.path),
        await owner.patch(owner.path, { name: "Grace" }),
        await owner.put(passwordPath, { currentPassword: OTHER_PASSWORD, newPassword: OTHER_PASSWORD }),
        await owner.put(passwordPath, { currentPassword: PASSWORD, newPassword: OTHER_PASSWORD }),
        await elsewhere.get("/v1/sessions"),
        await root.put(passwordPath, { newPassword: PASSWORD }),
        await client({ Authorization: `Basic ${owner.token}` }).get("/v1/posts"),
        await owner.post("/v1/posts", { title: "T", content: "C" }),
        await root.delete(`/v1/sessions/${root.sessionId}`),
        await root.delete("/v1/sessions"),
      ];
      return replies.map(({ text, headers }) => [text, ...headers]);
    }
  });
}
