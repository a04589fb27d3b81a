import { err, ok, type Result } from "neverthrow";
import { describe, expect, it, vi } from "vitest";
import type { Storage } from "../../../src/application/ports/storage.ts";
import type { PasswordHasher } from "../../../src/application/ports/password-hasher.ts";
import type { StorageFailure } from "../../../src/domain/shared/storage-failure.ts";
import { nodeSessionTokens } from "../../../src/infrastructure/crypto/node-session-tokens.ts";
import { fieldCodes, HTTP_SETTINGS, toPage, problemOf, type Api, type OpenApi } from "../../support/api.ts";
import { FAKE_HASH, fakeHasher } from "../../../src/testing/fake-hasher.ts";
import { PASSWORD } from "../../../src/testing/test-app.ts";
import { nextId } from "../../../src/testing/fixtures.ts";

const AN_ID = "00000000-0000-7000-8000-000000000000";
const SMALL_LIMIT = 65_536;
const POST_LIMIT = 6 * 1_048_576 + SMALL_LIMIT;
const SECRET = "hunter2 at /var/lib/quire";

const OUTAGE: StorageFailure = {
  kind: "storage_failure",
  reason: "unavailable",
  isTransient: true,
  operation: "test",
  cause: null,
};

const JSON_TYPE = { "Content-Type": "application/json" };

const padded = (json: object, bytes: number) => JSON.stringify(json).padEnd(bytes);

/** A body in chunks, without Content-Length. */
function streamed(text: string): ReadableStream<Uint8Array> {
  return new Blob([text]).stream();
}

const nested = (depth: number) => `{"name":${"[".repeat(depth - 1)}${"]".repeat(depth - 1)}}`;

const sendJson = async ({ nobody }: Api, raw: string | Uint8Array<ArrayBuffer>) =>
  nobody.call("POST", "/v1/users", { raw, headers: JSON_TYPE });

/** Every path of the API with its allowed methods. */
const ALLOWED: readonly (readonly [path: string, allow: string])[] = [
  ["/health/live", "GET, HEAD, OPTIONS"],
  ["/health/ready", "GET, HEAD, OPTIONS"],
  ["/v1/users", "GET, HEAD, OPTIONS, POST"],
  [`/v1/users/${AN_ID}`, "DELETE, GET, HEAD, OPTIONS, PATCH"],
  [`/v1/users/${AN_ID}/posts`, "GET, HEAD, OPTIONS"],
  [`/v1/users/${AN_ID}/password`, "OPTIONS, PUT"],
  ["/v1/sessions", "DELETE, GET, HEAD, OPTIONS, POST"],
  [`/v1/sessions/${AN_ID}`, "DELETE, OPTIONS"],
  ["/v1/posts", "GET, HEAD, OPTIONS, POST"],
  [`/v1/posts/${AN_ID}`, "DELETE, GET, HEAD, OPTIONS, PATCH"],
  [`/v1/posts/${AN_ID}/publish`, "OPTIONS, POST"],
  [`/v1/posts/${AN_ID}/unpublish`, "OPTIONS, POST"],
];

export function httpProtocolTests(open: OpenApi, openStorage: () => Promise<Storage>) {
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

  describe("methods", () => {
    it.each(ALLOWED)("answers 405 with Allow at %s to methods other than %s", async (path, allow) => {
      const { nobody } = await open();
      const others = ["GET", "POST", "PUT", "PATCH", "DELETE", "PURGE"].filter((method) => !allow.includes(method));
      for (const method of others) {
        const reply = await nobody.call(method, path);
        expect(problemOf(reply)).toBe("405 method_not_allowed");
        expect(reply.headers.get("Allow")).toBe(allow);
      }
    });

    it.each(ALLOWED)("answers OPTIONS %s with 204 and Allow: %s", async (path, allow) => {
      const { nobody } = await open();
      const reply = await nobody.call("OPTIONS", path);
      expect(reply.status).toBe(204);
      expect(reply.headers.get("Allow")).toBe(allow);
    });

    it("answers HEAD like GET, without the body", async () => {
      const { author } = await open();
      const owner = await author();
      const post = await owner.write();
      await owner.write();
      for (const path of [
        `/v1/posts/${post.id}`,
        owner.path,
        "/v1/posts?limit=1",
        "/health/live",
        `/v1/users/${nextId()}`,
      ]) {
        const [head, get] = [await owner.call("HEAD", path), await owner.get(path)];
        expect(head.status).toBe(get.status);
        expect(head.text).toBe("");
        for (const header of ["Content-Type", "ETag", "Link", "Cache-Control", "Vary"]) {
          expect(head.headers.get(header), header).toBe(get.headers.get(header));
        }
      }
    });

    it("answers HEAD with 405 at a path without GET", async () => {
      const { nobody } = await open();
      const reply = await nobody.call("HEAD", `/v1/posts/${AN_ID}/publish`);
      expect(reply.status).toBe(405);
      expect(reply.headers.get("Allow")).toBe("OPTIONS, POST");
    });
  });

  describe("unknown routes", () => {
    it.each([
      "/",
      "/v1",
      "/v2/posts",
      "/v1/posts/",
      "/v1/POSTS",
      "/v1/comments",
      `/v1/posts/${AN_ID}/archive`,
      `/v1/users/${AN_ID}/posts/${AN_ID}`,
      "/health",
      "/favicon.ico",
      "/%2e%2e/etc/passwd",
      "/%",
    ])("answer 404 at %s to every method", async (path) => {
      const { nobody } = await open();
      for (const method of ["GET", "POST", "DELETE", "OPTIONS"]) {
        expect(problemOf(await nobody.call(method, path))).toBe("404 route_not_found");
      }
    });
  });

  describe("the content type", () => {
    const BODIES = [
      ["POST", "/v1/users", "Accept-Post", "application/json"],
      ["POST", "/v1/sessions", "Accept-Post", "application/json"],
      ["POST", "/v1/posts", "Accept-Post", "application/json"],
      ["PATCH", `/v1/posts/${AN_ID}`, "Accept-Patch", "application/merge-patch+json, application/json"],
      ["PATCH", `/v1/users/${AN_ID}`, "Accept-Patch", "application/merge-patch+json, application/json"],
    ] as const;

    const WRONG: readonly (readonly [what: string, headers: Readonly<Record<string, string>>])[] = [
      ["none", {}],
      ["another", { "Content-Type": "text/plain" }],
      ["JSON in another charset", { "Content-Type": "application/json; charset=latin1" }],
      ["a form", { "Content-Type": "application/x-www-form-urlencoded" }],
      ["another kind of JSON", { "Content-Type": "application/problem+json" }],
      ["a media type that starts with application/json", { "Content-Type": "application/jsonp" }],
      ["two", { "Content-Type": "application/json, text/plain" }],
    ];

    it.each(BODIES)("of %s %s must be JSON, or the response is 415 with %s", async (method, path, header, types) => {
      const { author } = await open();
      const owner = await author();
      for (const [what, headers] of WRONG) {
        // A string would set a Content-Type, so the body is an array of bytes.
        const reply = await owner.call(method, path, { raw: new TextEncoder().encode("{}"), headers });
        expect(problemOf(reply), what).toBe("415 unsupported_media_type");
        expect(reply.headers.get(header)).toBe(types);
      }
    });

    it("of a password change must be JSON", async () => {
      const { author } = await open();
      const owner = await author();
      const reply = await owner.call("PUT", `${owner.path}/password`, { raw: "{}" });
      expect(problemOf(reply)).toBe("415 unsupported_media_type");
    });

    it("of a POST cannot be merge patch", async () => {
      const { nobody } = await open();
      const reply = await nobody.post("/v1/users", {}, { "Content-Type": "application/merge-patch+json" });
      expect(problemOf(reply)).toBe("415 unsupported_media_type");
    });

    it.each(["APPLICATION/JSON", "application/json;charset=utf-8", 'application/json ; Charset="UTF-8"'])(
      "can be %s",
      async (contentType) => {
        const { author } = await open();
        const owner = await author();
        const reply = await owner.post("/v1/posts", { title: "T", content: "C" }, { "Content-Type": contentType });
        expect(reply.status).toBe(201);
      },
    );
  });

  describe("the content coding of a body", () => {
    const send = async (headers: Readonly<Record<string, string>>) => {
      const { author } = await open();
      return (await author()).post("/v1/posts", { title: "T", content: "C" }, headers);
    };

    it.each(["gzip", "GZIP", "br", "identity, gzip", "x"])(
      "is rejected with 415 and Accept-Encoding: identity when it is %s",
      async (coding) => {
        const reply = await send({ "Content-Encoding": coding });
        expect(problemOf(reply)).toBe("415 unsupported_content_coding");
        expect(reply.headers.get("Accept-Encoding")).toBe("identity");
        expect(reply.headers.has("Accept-Post")).toBe(false);
      },
    );

    it.each(["identity", "Identity", "", "identity, identity"])("can be %j, which means no coding", async (coding) => {
      expect((await send({ "Content-Encoding": coding })).status).toBe(201);
    });

    it("is not mentioned in the response to a wrong media type", async () => {
      const reply = await send({ "Content-Type": "text/plain" });
      expect(problemOf(reply)).toBe("415 unsupported_media_type");
      expect(reply.headers.get("Accept-Post")).toBe("application/json");
      expect(reply.headers.has("Accept-Encoding")).toBe(false);
    });
  });

  describe("the size of a body", () => {
    const ROUTES = [
      ["POST", "/v1/users", SMALL_LIMIT, { name: "Ada", email: "ada@example.org", password: PASSWORD }, 201],
      ["POST", "/v1/posts", POST_LIMIT, { title: "T", content: "C" }, 201],
    ] as const;

    it.each(ROUTES)("of %s %s can be %i bytes", async (method, path, limit, json, status) => {
      const { author } = await open();
      const owner = await author();
      const raw = padded(json, limit);
      const reply = await owner.call(method, path, { raw, headers: { ...JSON_TYPE, "Content-Length": String(limit) } });
      expect(reply.status).toBe(status);
    });

    it.each(ROUTES)("of %s %s can be %i bytes without Content-Length", async (method, path, limit, json, status) => {
      const { author } = await open();
      const owner = await author();
      const reply = await owner.call(method, path, { raw: streamed(padded(json, limit)), headers: JSON_TYPE });
      expect(reply.status).toBe(status);
    });

    it.each(ROUTES)("of %s %s cannot exceed %i bytes", async (method, path, limit, json) => {
      const { author } = await open();
      const owner = await author();
      const raw = padded(json, limit + 1);
      const headers = { ...JSON_TYPE, "Content-Length": String(limit + 1) };
      expect(problemOf(await owner.call(method, path, { raw, headers }))).toBe("413 body_too_large");
      const unannounced = await owner.call(method, path, { raw: streamed(raw), headers: JSON_TYPE });
      expect(problemOf(unannounced)).toBe("413 body_too_large");
      const chunked = { ...JSON_TYPE, "Content-Length": "2", "Transfer-Encoding": "chunked" };
      const lying = await owner.call(method, path, { raw: streamed(raw), headers: chunked });
      expect(problemOf(lying)).toBe("413 body_too_large");
    });

    it("is checked while an endless body is read", async () => {
      const { nobody } = await open();
      const endless = new ReadableStream<Uint8Array>({
        pull: (controller) => controller.enqueue(new Uint8Array(65_536)),
      });
      const reply = await nobody.call("POST", "/v1/users", { raw: endless, headers: JSON_TYPE });
      expect(problemOf(reply)).toBe("413 body_too_large");
    });

    it.each([
      ["POST", "/v1/posts"],
      ["PATCH", `/v1/posts/${AN_ID}`],
      ["POST", `/v1/posts/${AN_ID}/publish`],
    ])(
      "does not apply to an aborted body of %s %s, which is answered with 400 and is not logged as an error",
      async (method, path) => {
        const { author, log } = await open();
        const owner = await author();
        const broken = new ReadableStream<Uint8Array>({ pull: (controller) => controller.error(new Error("aborted")) });
        const reply = await owner.call(method, path, { raw: broken, headers: JSON_TYPE });
        expect(problemOf(reply)).toBe("400 malformed_request");
        expect(log.lines.filter(({ level }) => level === "error")).toEqual([]);
      },
    );

    it.each([
      ["POST", "/v1/sessions"],
      ["PATCH", `/v1/users/${AN_ID}`],
      ["PUT", `/v1/users/${AN_ID}/password`],
    ])("of %s %s is limited", async (method, path) => {
      const { author } = await open();
      const owner = await author();
      const reply = await owner.call(method, path, { raw: padded({}, SMALL_LIMIT + 1), headers: JSON_TYPE });
      expect(problemOf(reply)).toBe("413 body_too_large");
    });

    it("of PATCH /v1/posts/:id is limited", async () => {
      const { author } = await open();
      const owner = await author();
      const { id } = await owner.write();
      const reply = await owner.call("PATCH", `/v1/posts/${id}`, {
        raw: padded({}, POST_LIMIT + 1),
        headers: JSON_TYPE,
      });
      expect(problemOf(reply)).toBe("413 body_too_large");
    });
  });

  describe("JSON", () => {
    it.each([
      ["nothing", ""],
      ["white space", "  \n"],
      ["an unterminated object", '{"name":"Ada"'],
      ["two values", "{}{}"],
      ["a trailing comma", '{"name":"Ada",}'],
      ["single quotes", "{'name':'Ada'}"],
      ["NaN", "NaN"],
      ["a raw line break in a string", '{"name":"A\nda"}'],
      ["form data", "name=Ada"],
    ])("is rejected with 400 when it is malformed: %s", async (_, raw) => {
      expect(problemOf(await sendJson(await open(), raw))).toBe("400 malformed_json");
    });

    it("is rejected when the body is missing", async () => {
      const { nobody } = await open();
      const reply = await nobody.call("POST", "/v1/users", { headers: JSON_TYPE });
      expect(problemOf(reply)).toBe("400 malformed_json");
    });

    it.each([
      ["an array", "[]"],
      ["a string", '"Ada"'],
      ["a number", "1"],
      ["null", "null"],
      ["true", "true"],
    ])("is rejected when it is %s instead of an object", async (_, raw) => {
      const reply = await sendJson(await open(), raw);
      expect(problemOf(reply)).toBe("422 validation_failed");
      expect(fieldCodes(reply)).toEqual([": wrong_type"]);
    });

    it.each([
      ["an invalid byte", [0xff]],
      ["a truncated sequence", [0xc3]],
      ["an encoded surrogate", [0xed, 0xa0, 0x80]],
      ["an overlong encoding", [0xc0, 0x80]],
    ])("is rejected when it is not UTF-8: %s", async (_, bytes) => {
      const [before, after] = ['{"name":"', '"}'].map((part) => [...new TextEncoder().encode(part)]);
      const raw = new Uint8Array([...(before ?? []), ...bytes, ...(after ?? [])]);
      expect(problemOf(await sendJson(await open(), raw))).toBe("400 malformed_utf8");
    });

    it("can start with a byte order mark", async () => {
      const user = { name: "Ada", email: "ada@example.org", password: PASSWORD };
      expect((await sendJson(await open(), `\ufeff${JSON.stringify(user)}`)).status).toBe(201);
    });

    it("can be nested 32 levels deep", async () => {
      expect(fieldCodes(await sendJson(await open(), nested(32)))).toContain("/name: wrong_type");
    });

    it.each([33, 30_000])("cannot be nested %i levels deep", async (depth) => {
      expect(problemOf(await sendJson(await open(), nested(depth)))).toBe("400 json_too_deep");
    });

    it.each([
      ["unknown fields", `{${Array.from({ length: 560_000 }, (_, i) => `"${i.toString(36)}":0`).join(",")}}`],
      ["arrays", `{"title":"a","content":[${`${"[".repeat(29)}${"]".repeat(29)},`.repeat(100_000)}0]}`],
    ])("is rejected before it is parsed when it contains too many %s", async (_, raw) => {
      const { author } = await open();
      const owner = await author();
      const parse = vi.spyOn(JSON, "parse");
      try {
        const reply = await owner.call("POST", "/v1/posts", { raw, headers: JSON_TYPE });
        expect(problemOf(reply)).toBe("400 json_too_complex");
        expect(parse.mock.calls.filter(([text]) => text === raw)).toEqual([]);
      } finally {
        parse.mockRestore();
      }
    });

    it("can contain 300 unknown fields, of which the response names 100", async () => {
      const fields = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`field${i}`, 0]));
      expect(fieldCodes(await sendJson(await open(), JSON.stringify(fields)))).toHaveLength(100);
    });

    it("can contain any number of brackets in strings", async () => {
      const { author } = await open();
      const owner = await author();
      const content = '\\"[{'.repeat(100);
      expect((await owner.write({ content })).content).toBe(content);
    });

    it("is rejected with the field __proto__", async () => {
      const raw = `{"name":"Ada","email":"ada@example.org","password":"${PASSWORD}","__proto__":{"role":"admin"}}`;
      const reply = await sendJson(await open(), raw);
      expect(problemOf(reply)).toBe("422 validation_failed");
      expect(fieldCodes(reply)).toEqual(["/__proto__: unknown_field"]);
    });

    it.each(["constructor", "toString", "hasOwnProperty"])("is rejected with the field %s", async (field) => {
      const raw = `{"name":"Ada","email":"ada@example.org","password":"${PASSWORD}","${field}":1}`;
      expect(fieldCodes(await sendJson(await open(), raw))).toEqual([`/${field}: unknown_field`]);
    });

    it("uses the last value of a duplicate field", async () => {
      const raw = `{"name":7,"email":"ada@example.org","password":"${PASSWORD}","name":"Ada"}`;
      expect((await sendJson(await open(), raw)).body).toMatchObject({ name: "Ada" });
    });

    it("is rejected with an escaped lone surrogate", async () => {
      const raw = `{"name":"\\ud800","email":"ada@example.org","password":"${PASSWORD}"}`;
      expect(fieldCodes(await sendJson(await open(), raw))).toEqual(["/name: lone_surrogate"]);
    });
  });

  describe("the query of a list", () => {
    it.each([
      ["limit=0", ["/limit: out_of_range"]],
      ["limit=101", ["/limit: out_of_range"]],
      ["limit=-1", ["/limit: out_of_range"]],
      ["limit=abc", ["/limit: out_of_range"]],
      ["limit=1.5", ["/limit: out_of_range"]],
      ["limit=1e1", ["/limit: out_of_range"]],
      ["limit=%201", ["/limit: out_of_range"]],
      ["limit=", ["/limit: out_of_range"]],
      ["limit=1&limit=2", ["/limit: repeated"]],
      ["limit=1&limit=1", ["/limit: repeated"]],
      ["cursor=a&limit=1&cursor=b", ["/cursor: repeated"]],
      ["offset=2", ["/offset: unknown_field"]],
      ["a=1&b=2", ["/a: unknown_field", "/b: unknown_field"]],
      ["__proto__=1", ["/__proto__: unknown_field"]],
      ["limit=0&page=1", ["/limit: out_of_range", "/page: unknown_field"]],
      ["cursor=", ["/cursor: malformed_cursor"]],
      ["cursor=next", ["/cursor: malformed_cursor"]],
      [`cursor=${AN_ID}`, ["/cursor: malformed_cursor"]],
      [`cursor=${"A".repeat(32)}`, ["/cursor: malformed_cursor"]],
      ["cursor=%00", ["/cursor: malformed_cursor"]],
    ])("rejects ?%s in every list", async (query, expected) => {
      const { author } = await open();
      const owner = await author();
      for (const path of ["/v1/users", "/v1/posts", "/v1/sessions", `${owner.path}/posts`]) {
        const reply = await owner.get(`${path}?${query}`);
        expect(problemOf(reply), path).toBe("422 validation_failed");
        expect(fieldCodes(reply), path).toEqual(expected);
        expect(reply.body).toMatchObject({ errors: expected.map(() => ({ in: "query" })) });
      }
    });

    it.each(["1", "100", "007"])("accepts a limit of %s", async (limit) => {
      const { nobody } = await open();
      expect((await nobody.get(`/v1/posts?limit=${limit}`)).status).toBe(200);
    });

    it("accepts a cursor only in the list that issued it", async () => {
      const { author, logIn } = await open();
      const owner = await author();
      const other = await author();
      for (const person of [owner, other]) {
        await person.write({ status: "published" });
        await person.write({ status: "published" });
      }
      await logIn(owner.email);
      const paths = ["/v1/users", "/v1/posts", "/v1/sessions", `${owner.path}/posts`, `${other.path}/posts`];
      for (const from of paths) {
        const reader = from.startsWith(other.path) ? other : owner;
        const { nextCursor } = toPage(await reader.get(`${from}?limit=1`));
        expect(nextCursor).not.toBeNull();
        for (const to of paths) {
          const reply = await owner.get(`${to}?limit=1&cursor=${nextCursor}`);
          if (to === from) expect(reply.status).toBe(200);
          else expect(fieldCodes(reply), `${from} on ${to}`).toEqual(["/cursor: malformed_cursor"]);
        }
      }
    });

    it("rejects a truncated, extended or changed cursor", async () => {
      const { author } = await open();
      const owner = await author();
      await owner.write();
      await owner.write();
      const cursor = toPage(await owner.get("/v1/posts?limit=1")).nextCursor ?? "";
      const changed = `${cursor.startsWith("A") ? "B" : "A"}${cursor.slice(1)}`;
      for (const forged of [cursor.slice(0, -1), cursor.slice(1), `${cursor}A`, changed, cursor.toLowerCase()]) {
        const reply = await owner.get(`/v1/posts?limit=1&cursor=${forged}`);
        expect(fieldCodes(reply)).toEqual(["/cursor: malformed_cursor"]);
      }
    });
  });

  describe("the query of other routes", () => {
    it.each([
      ["GET", `/v1/users/${AN_ID}`],
      ["PATCH", `/v1/users/${AN_ID}`],
      ["DELETE", `/v1/users/${AN_ID}`],
      ["PUT", `/v1/users/${AN_ID}/password`],
      ["POST", "/v1/users"],
      ["POST", "/v1/sessions"],
      ["DELETE", "/v1/sessions"],
      ["DELETE", `/v1/sessions/${AN_ID}`],
      ["POST", "/v1/posts"],
      ["GET", `/v1/posts/${AN_ID}`],
      ["PATCH", `/v1/posts/${AN_ID}`],
      ["DELETE", `/v1/posts/${AN_ID}`],
      ["POST", `/v1/posts/${AN_ID}/publish`],
      ["POST", `/v1/posts/${AN_ID}/unpublish`],
    ])("of %s %s is rejected with an unknown parameter", async (method, path) => {
      const { author } = await open();
      const reply = await (await author()).call(method, `${path}?dry-run=true`);
      expect(problemOf(reply)).toBe("422 validation_failed");
      expect(fieldCodes(reply)).toEqual(["/dry-run: unknown_field"]);
    });
  });

  describe("the request id", () => {
    it("is generated for each request without one", async () => {
      const { nobody } = await open();
      const [first, second] = [await nobody.get("/v1/posts"), await nobody.get("/v1/posts")];
      expect(first.headers.get("X-Request-Id")).not.toBe(second.headers.get("X-Request-Id"));
    });

    it("is accepted from the client when it is valid", async () => {
      const { nobody, log } = await open();
      for (const requestId of ["abc-123_X=", "x".repeat(64)]) {
        const reply = await nobody.get("/nowhere", { "X-Request-Id": requestId });
        expect(reply.headers.get("X-Request-Id")).toBe(requestId);
        expect(reply.body).toMatchObject({ requestId });
        expect(log.lines.at(-1)?.fields).toMatchObject({ requestId });
      }
    });

    it.each(["", "x".repeat(65), "a b", "<script>", '{"level":"error"}', "é"])(
      "is replaced when it is %o",
      async (given) => {
        const { nobody, log } = await open();
        const reply = await nobody.get("/nowhere", { "X-Request-Id": given });
        expect(reply.headers.get("X-Request-Id")).not.toBe(given);
        if (given !== "") expect(JSON.stringify([log.lines, reply.text])).not.toContain(given);
      },
    );
  });

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
    it("reports live and ready", async () => {
      const { nobody } = await open();
      const live = await nobody.get("/health/live");
      expect([live.status, live.body]).toEqual([200, { status: "live" }]);
      const ready = await nobody.get("/health/ready");
      expect(ready.status).toBe(200);
      expect(ready.body).toEqual({
        status: "ready",
        checks: { database: "ok", migrations: "ok" },
        durability: expect.stringMatching(/^(?:fsync|relaxed|none)$/) as string,
        writable: true,
        load: "normal",
      });
      for (const reply of [live, ready]) expect(reply.headers.get("Cache-Control")).toBe("no-store");
    });

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
