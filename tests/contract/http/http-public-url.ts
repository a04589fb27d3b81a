import { describe, expect, it } from "vitest";
import { swaggerUi } from "../../../src/infrastructure/node/swagger-ui.ts";
import { HTTP_SETTINGS, type OpenApi } from "../../support/api.ts";
import { PASSWORD } from "../../../src/testing/test-app.ts";

const PUBLIC_URL = "https://example.org/blog";

/** The API behind a proxy that removes the path of `QUIRE_PUBLIC_URL` from every request. */
export function httpPublicUrlTests(open: OpenApi): void {
  describe("an API with a public URL", () => {
    const published = async () => open({ swaggerUi, http: { ...HTTP_SETTINGS, publicUrl: PUBLIC_URL } });
    const ADA = { name: "Ada", email: "ada@example.org", password: PASSWORD };

    it("sends Location headers below the path of the URL", async () => {
      const { nobody, author } = await published();
      const owner = await author();
      const user = await nobody.post("/v1/users", ADA);
      const session = await nobody.post("/v1/sessions", { email: ADA.email, password: PASSWORD });
      const post = await owner.post("/v1/posts", { title: "T", content: "C" });
      for (const [reply, list] of [
        [user, "users"],
        [session, "sessions"],
        [post, "posts"],
      ] as const) {
        expect(reply.headers.get("Location")).toMatch(new RegExp(`^/blog/v1/${list}/[0-9a-f-]{36}$`));
      }
    });

    it("sends the same Location header in a replay", async () => {
      const key = { "Idempotency-Key": crypto.randomUUID() };
      const { author } = await published();
      const owner = await author();
      const first = await owner.post("/v1/posts", { title: "T", content: "C" }, key);
      const again = await owner.post("/v1/posts", { title: "T", content: "C" }, key);
      expect(again.headers.get("Idempotency-Replayed")).toBe("true");
      expect(again.headers.get("Location")).toBe(first.headers.get("Location"));
    });

    it("sends Link headers below the path of the URL", async () => {
      const { author } = await published();
      const owner = await author();
      for (let i = 0; i < 3; i++) await owner.write();
      const first = await owner.get("/v1/posts?limit=1");
      const [, next = ""] = /^<([^>]*)>; rel="next"$/.exec(first.headers.get("Link") ?? "") ?? [];
      expect(next).toMatch(/^\/blog\/v1\/posts\?limit=1&cursor=/);
      const second = await owner.get(next.replace("/blog", ""));
      const links = second.headers.get("Link")?.match(/<[^>]*>/g) ?? [];
      expect(links).toHaveLength(2);
      expect(links.every((link) => link.startsWith("</blog/v1/posts?"))).toBe(true);
    });

    it("names the URL as the server in its OpenAPI document", async () => {
      const { app } = await published();
      const document = (await (await app.request("/openapi.json")).json()) as {
        readonly servers: unknown;
        readonly info: { readonly description: string };
      };
      expect(document.servers).toEqual([{ url: PUBLIC_URL }]);
      expect(document.info.description).toContain("(/blog/docs)");
    });

    it("serves documentation with files and links below the path of the URL", async () => {
      const { app } = await published();
      const root = await app.request("/");
      expect(root.headers.get("Location")).toBe("/blog/docs");
      const targets = root.headers.get("Link")?.match(/<[^>]*>/g) ?? [];
      const page = await (await app.request("/docs")).text();
      const urls = [...targets.map((each) => each.slice(1, -1)), ...page.split(/(?:src|href)="/).slice(1)].map(
        (each) => each.split('"')[0] ?? "",
      );
      expect(urls.length).toBeGreaterThan(7);
      for (const url of urls) {
        expect(url).toMatch(/^\/blog\//);
        expect((await app.request(url.replace("/blog", ""))).status, url).toBe(200);
      }
      const script = await (await app.request("/docs/page.js")).text();
      expect(script).toContain('fetch("/blog/openapi.json")');
      expect(script).toContain('"/blog/v1/sessions"');
    });

    it("does not let another page frame its documentation", async () => {
      const { app } = await published();
      const { headers } = await app.request("/docs");
      expect(headers.get("Content-Security-Policy")?.split("; ")).toContain("frame-ancestors 'none'");
    });

    it("answers 404 below the path of the URL, which the proxy removes", async () => {
      const { nobody } = await published();
      expect((await nobody.get("/blog/v1/posts")).status).toBe(404);
    });

    it("adds no prefix when the URL has no path", async () => {
      const { author } = await open({ http: { ...HTTP_SETTINGS, publicUrl: "https://example.org" } });
      const owner = await author();
      const post = await owner.post("/v1/posts", { title: "T", content: "C" });
      expect(post.headers.get("Location")).toMatch(/^\/v1\/posts\//);
    });
  });
}
