import { describe, expect, it, vi } from "vitest";
import { fieldCodes, problemOf, toPage, type OpenRemoteApi, type RemoteApi } from "../../support/api.ts";
import { nextId } from "../../../src/testing/fixtures.ts";
import { PASSWORD } from "../../../src/testing/test-app.ts";

const AN_ID = "00000000-0000-7000-8000-000000000000";

const JSON_TYPE = { "Content-Type": "application/json" };

const nested = (depth: number) => `{"name":${"[".repeat(depth - 1)}${"]".repeat(depth - 1)}}`;

const sendJson = async ({ nobody }: RemoteApi, raw: string | Uint8Array<ArrayBuffer>) =>
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

export function httpProtocolTests(open: OpenRemoteApi) {
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
      const { nobody } = await open();
      for (const requestId of ["abc-123_X=", "x".repeat(64)]) {
        const reply = await nobody.get("/nowhere", { "X-Request-Id": requestId });
        expect(reply.headers.get("X-Request-Id")).toBe(requestId);
        expect(reply.body).toMatchObject({ requestId });
      }
    });

    it.each(["", "x".repeat(65), "a b", "<script>", '{"level":"error"}', "é"])(
      "is replaced when it is %o",
      async (given) => {
        const { nobody } = await open();
        const reply = await nobody.get("/nowhere", { "X-Request-Id": given });
        expect(reply.headers.get("X-Request-Id")).not.toBe(given);
        if (given !== "") expect(reply.text).not.toContain(given);
      },
    );
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
  });
}
