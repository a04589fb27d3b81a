import { describe, expect, it } from "vitest";
import { problemOf, type OpenRemoteApi } from "../../support/api.ts";
import { PASSWORD } from "../../../src/testing/test-app.ts";

const AN_ID = "00000000-0000-7000-8000-000000000000";
const SMALL_LIMIT = 65_536;
const POST_LIMIT = 6 * 1_048_576 + SMALL_LIMIT;

const JSON_TYPE = { "Content-Type": "application/json" };

const padded = (json: object, bytes: number) => JSON.stringify(json).padEnd(bytes);

/** A body in chunks, without Content-Length. */
function streamed(text: string): ReadableStream<Uint8Array> {
  return new Blob([text]).stream();
}

/** Over a network, a client may lose the response to a body that is too large, because the server ends the connection. */
export function httpBodySizeTests(open: OpenRemoteApi) {
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
}
