import type { Page } from "playwright-core";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { swaggerUi } from "../../../src/infrastructure/node/swagger-ui.ts";
import { openMemoryStorage } from "../../../src/infrastructure/memory/memory-storage.ts";
import { listen, type HttpServer } from "../../../src/interfaces/node/http-server.ts";
import { openApi, type Api } from "../../support/api.ts";
import { PASSWORD } from "../../../src/testing/test-app.ts";
import { pagesOfOneBrowser, screenshot, browserSkipReason } from "../../support/browser.ts";
import { recordingLog } from "../../../src/testing/fixtures.ts";

const ASSETS = `/docs/${swaggerUi.version}`;

let api: Api;
let server: HttpServer;

beforeEach(async () => {
  api = openApi(openMemoryStorage(), { swaggerUi });
  const options = { fetch: api.app.fetch, host: "127.0.0.1", port: 0, log: recordingLog() };
  server = (await listen(options))._unsafeUnwrap();
});

afterEach(async () => server.close(0));

describe("the documentation of the API", () => {
  it("is the redirect target of /, whose Link header names /openapi.json", async () => {
    const response = await api.app.request("/");
    expect(response.status).toBe(302);
    expect(response.headers.get("Location")).toBe("/docs");
    expect(response.headers.get("Link")).toContain('</openapi.json>; rel="service-desc"');
  });

  it("allows only its own scripts by Content-Security-Policy", async () => {
    const response = await api.app.request("/docs");
    expect(response.headers.get("Content-Type")).toBe("text/html; charset=utf-8");
    expect(response.headers.get("Content-Security-Policy")).toContain("default-src 'none'; script-src 'self';");
    const [, ...urls] = (await response.text()).split(/(?:src|href)="/).map((part) => part.split('"')[0] ?? "");
    expect(urls.filter((url) => !url.startsWith("/"))).toEqual([]);
    for (const url of urls) expect((await api.app.request(url)).status, url).toBe(200);
  });

  it("serves its files as immutable, and answers 304 to a matching If-None-Match", async () => {
    const first = await api.app.request(`${ASSETS}/swagger-ui.css`);
    expect(first.headers.get("Cache-Control")).toBe("public, max-age=31536000, immutable");
    const tag = first.headers.get("ETag") ?? "";
    const second = await api.app.request(`${ASSETS}/swagger-ui.css`, { headers: { "If-None-Match": tag } });
    expect({ status: second.status, text: await second.text() }).toEqual({ status: 304, text: "" });
  });

  it("serves no other file of the package or of the disk", async () => {
    for (const path of [`${ASSETS}/package.json`, `${ASSETS}/..%2f..%2fpackage.json`, "/docs/0.0.0/swagger-ui.css"])
      expect((await api.app.request(path)).status).toBe(404);
  });
});

const skipReason = await browserSkipReason();
const openPage = pagesOfOneBrowser();

describe.skipIf(skipReason !== null)(
  `the page of documentation${skipReason === null ? "" : ` (skipped: ${skipReason})`}`,
  () => {
    /** Fills in the body of an operation and sends it. Returns the status that the page shows. */
    const execute = async (page: Page, operationId: string, body: object) => {
      const operation = page.locator(`[id$="-${operationId}"]`);
      await operation.locator(".opblock-summary-control").click();
      await operation.locator("textarea").fill(JSON.stringify(body));
      await operation.locator("button.execute").click();
      return operation.locator(".live-responses-table tbody .response-col_status").innerText();
    };

    it("logs in, sends authenticated requests, and contacts no other server", async () => {
      const author = await api.author();
      const page = await openPage({ width: 1280, height: 900 });
      const complaints: string[] = [];
      const asked = new Set<string>();
      page.on("console", (message) => {
        if (message.type() === "error" || message.type() === "warning") complaints.push(message.text());
      });
      page.on("request", (request) => asked.add(new URL(request.url()).origin));

      await page.goto(`${server.url}/docs`);
      await page.locator(".opblock").first().waitFor();
      await screenshot(page, "docs");

      expect(await execute(page, "logIn", { email: author.email, password: PASSWORD })).toBe("201");
      expect(await execute(page, "createPost", { title: "Written on the page", content: "…" })).toBe("201");
      await screenshot(page, "docs-logged-in");

      const posts = await author.get(`${author.path}/posts`);
      expect(posts.body).toMatchObject({ items: [{ title: "Written on the page", authorId: author.id }] });
      expect([...asked].filter((origin) => origin !== server.url && origin !== "null")).toEqual([]);
      expect(complaints).toEqual([]);
    });
  },
);
