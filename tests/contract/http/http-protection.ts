import { EventEmitter, once } from "node:events";
import { describe, expect, it } from "vitest";
import type { Storage } from "../../../src/application/ports/storage.ts";
import type { Timer } from "../../../src/interfaces/http/middleware/time-limit.ts";
import { HTTP_SETTINGS, problemOf, type OpenApi, type Reply } from "../../support/api.ts";
import { PASSWORD } from "../../../src/testing/test-app.ts";

const AN_ID = "00000000-0000-7000-8000-000000000000";
const PAGE = "https://app.example.org";

export function httpProtectionTests(open: OpenApi, openStorage: () => Promise<Storage>) {
  it("shares the response to an exception with configured origins", async () => {
    const posts = { list: async () => Promise.reject(new Error("down")) };
    const { nobody } = await open({ posts: posts as never, http: { ...HTTP_SETTINGS, corsOrigins: [PAGE] } });
    const crash = await nobody.get("/v1/posts", { Origin: PAGE });
    expect(problemOf(crash)).toBe("500 internal_error");
    expect(crash.headers.get("Access-Control-Allow-Origin")).toBe(PAGE);
  });

  describe("compression", () => {
    const GZIP = { "Accept-Encoding": "gzip, deflate, br" };
    const LONG = "Wörter ".repeat(1000);
    const encoding = (reply: Reply) => reply.headers.get("Content-Encoding");

    it("compresses a long response for a client that accepts gzip, with a separate ETag", async () => {
      const api = await open();
      const owner = await api.author();
      const { id } = await owner.write({ content: LONG, status: "published" });
      const plain = await api.nobody.get(`/v1/posts/${id}`);
      const compressed = await api.nobody.get(`/v1/posts/${id}`, GZIP);
      expect([encoding(plain), plain.headers.get("ETag")]).toEqual([null, '"1"']);
      expect([encoding(compressed), compressed.headers.get("ETag")]).toEqual(["gzip", '"1-gzip"']);
      expect(compressed.text).toBe(plain.text);
      const sent = await (await api.app.request(`/v1/posts/${id}`, { headers: GZIP })).arrayBuffer();
      expect(sent.byteLength).toBeLessThan(plain.text.length / 10);
    });

    it("does not change the weak ETag of a list", async () => {
      const api = await open();
      await (await api.author()).write({ content: LONG, status: "published" });
      const [plain, compressed] = [await api.nobody.get("/v1/posts"), await api.nobody.get("/v1/posts", GZIP)];
      expect([encoding(plain), encoding(compressed)]).toEqual([null, "gzip"]);
      expect(compressed.headers.get("ETag")).toBe(plain.headers.get("ETag"));
      expect(compressed.text).toBe(plain.text);
    });

    it("has ETags that If-None-Match and If-Match accept", async () => {
      const owner = await (await open()).author();
      const path = `/v1/posts/${(await owner.write({ content: LONG })).id}`;
      const unchanged = await owner.get(path, { ...GZIP, "If-None-Match": '"1-gzip"' });
      expect([unchanged.status, unchanged.headers.get("ETag")]).toEqual([304, '"1-gzip"']);
      const plain = await owner.get(path, { ...GZIP, "If-None-Match": '"1"' });
      expect([plain.status, plain.headers.get("ETag")]).toEqual([304, '"1"']);
      const edited = await owner.patch(path, { title: "Another" }, { ...GZIP, "If-Match": '"1-gzip"' });
      expect([edited.status, edited.headers.get("ETag"), encoding(edited)]).toEqual([200, '"2-gzip"', "gzip"]);
      expect(problemOf(await owner.patch(path, { title: "A third" }, { "If-Match": '"1-gzip"' }))).toBe(
        "412 precondition_failed",
      );
      expect((await owner.delete(path, { "If-Match": '"2-gzip"' })).status).toBe(204);
    });

    it("answers HEAD like GET", async () => {
      const owner = await (await open()).author();
      const path = `/v1/posts/${(await owner.write({ content: LONG })).id}`;
      const [head, get] = [await owner.call("HEAD", path, { headers: GZIP }), await owner.get(path, GZIP)];
      for (const header of ["Content-Encoding", "ETag", "Vary"]) {
        expect(head.headers.get(header)).toBe(get.headers.get(header));
      }
    });

    it.each(["identity", "br", "gzip;q=0", "deflate, gzip;q=0.0, *;q=0"])(
      "is not used with Accept-Encoding: %s",
      async (accepted) => {
        const owner = await (await open()).author();
        const path = `/v1/posts/${(await owner.write({ content: LONG })).id}`;
        const reply = await owner.get(path, { "Accept-Encoding": accepted });
        expect([encoding(reply), reply.headers.get("ETag")]).toEqual([null, '"1"']);
      },
    );

    it("is not used for short responses, errors and responses with no-store", async () => {
      const api = await open();
      const owner = await api.author();
      const short = await owner.get(`/v1/posts/${(await owner.write()).id}`, GZIP);
      expect([short.status, encoding(short), short.headers.get("ETag")]).toEqual([200, null, '"1"']);
      const error = await owner.get(`/v1/posts/${AN_ID}`, GZIP);
      expect([error.status, encoding(error)]).toEqual([404, null]);
      for (let opened = 0; opened < 10; opened++) await api.logIn(owner.email);
      const sessions = await owner.get("/v1/sessions", GZIP);
      expect(sessions.text.length).toBeGreaterThan(1024);
      expect([sessions.status, encoding(sessions)]).toEqual([200, null]);
    });
  });

  describe("the deadline of a request", () => {
    const never = async () => new Promise<never>(() => {});
    /** An API with a manual timer. `pass` lets the deadline of every running request expire. */
    const hanging = async (overrides: (storage: Storage) => Partial<Storage>) => {
      const storage = await openStorage();
      const started = new EventEmitter();
      const running = new Set<() => void>();
      const timer: Timer = (_, run) => {
        running.add(run);
        started.emit("timer");
        return () => running.delete(run);
      };
      const pass = () => {
        const expired = Array.from(running);
        running.clear();
        for (const run of expired) run();
      };
      const api = await open({ ...storage, ...overrides(storage), timer });
      return { ...api, pass, timerStarts: async () => once(started, "timer") };
    };

    it("answers a read with 503 and Retry-After", async () => {
      const { nobody, pass, timerStarts } = await hanging(({ posts }) => ({ posts: { ...posts, list: never } }));
      const starts = timerStarts();
      const pending = nobody.get("/v1/posts");
      await starts;
      pass();
      const reply = await pending;
      expect(problemOf(reply)).toBe("503 timed_out");
      expect(reply.headers.get("Retry-After")).toBe("1");
    });

    it("does not include the time of receiving the body", async () => {
      const { nobody, pass } = await hanging(() => ({}));
      const body = JSON.stringify({ name: "Ada", email: "ada@example.org", password: PASSWORD });
      const raw = new ReadableStream<Uint8Array>(
        {
          pull: (controller) => {
            // The server is reading the body. The deadline expires three times before the body is complete.
            for (let times = 0; times < 3; times++) pass();
            controller.enqueue(new TextEncoder().encode(body));
            controller.close();
          },
        },
        { highWaterMark: 0 },
      );
      const reply = await nobody.call("POST", "/v1/users", { raw, headers: { "Content-Type": "application/json" } });
      expect(reply.status).toBe(201);
    });

    it("answers a write with outcome_unknown", async () => {
      let isWriting = () => {};
      const writing = new Promise<void>((settle) => (isWriting = settle));
      const write = async () => {
        isWriting();
        return never();
      };
      const { nobody, pass } = await hanging(({ unitOfWork, users }) => ({
        users: { ...users, insert: write },
        unitOfWork: { ...unitOfWork, run: write },
      }));
      const pending = nobody.post("/v1/users", { name: "Ada", email: "ada@example.org", password: PASSWORD });
      await writing;
      pass();
      const reply = await pending;
      expect(problemOf(reply)).toBe("503 outcome_unknown");
    });
  });
}
