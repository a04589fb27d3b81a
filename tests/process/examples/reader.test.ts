import { spawn } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Page } from "playwright-core";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { openMemoryStorage } from "../../../src/infrastructure/memory/memory-storage.ts";
import { createClient } from "../../../src/interfaces/client/client.ts";
import { listen, type HttpServer } from "../../../src/interfaces/node/http-server.ts";
import { HTTP_SETTINGS, openApi } from "../../support/api.ts";
import { PASSWORD } from "../../../src/testing/test-app.ts";
import { pagesOfOneBrowser, screenshot, browserSkipReason } from "../../support/browser.ts";
import { recordingLog } from "../../../src/testing/fixtures.ts";
import { listening } from "../../support/listening.ts";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const READER = join(ROOT, "examples", "reader");

const ACCOUNT = { email: "ada@example.org", password: PASSWORD };

const POSTS = [
  ...Array.from({ length: 9 }, (_, index) => ({
    title: `Notes from the library, ${index + 1}`,
    content: "What I read this week, and what I thought of it while it rained.",
  })),
  {
    title: "The printer’s apprentice",
    content: "He set type by day and read by candle at night, and knew every word of what he had printed.",
  },
  {
    title: "A short history of the footnote",
    content: "Before the footnote there were marginalia, <b>notes</b> & drawings that readers left to each other.",
  },
  {
    title: "Reading with a pencil",
    content:
      "I used to think that a clean book was a loved book.\n\n" +
      "Then I was given my grandmother’s copy of Middlemarch, whose marginalia are a novel of their own: " +
      "she argues with the author, forgives her, and by the last chapter they are friends.\n\n" +
      "Since then I never read without a pencil.",
  },
];

/** Serves the files of `npm run example`, with the address of this API in them. */
const site = createServer((request, response) => void answer(request, response));

async function answer({ url = "/" }: IncomingMessage, response: ServerResponse): Promise<void> {
  const file = await fetch(new URL(url, served));
  const text = await file.text();
  response.writeHead(file.status, { "Content-Type": file.headers.get("Content-Type") ?? "" });
  response.end(text.replace("http://127.0.0.1:3000", api.url));
}

let served: string;
let origin: string;
let api: HttpServer;

beforeAll(async () => {
  const { scripts } = JSON.parse(await readFile(join(ROOT, "package.json"), "utf8")) as {
    scripts: { example: string };
  };
  const [program = "", ...options] = scripts.example.replace(":8000", ":0").split(" ");
  // esbuild serves until its standard input closes.
  const example = spawn(join(ROOT, "node_modules", ".bin", program), options, { cwd: ROOT });
  let said = "";
  served = await new Promise((settle, refuse) => {
    example.stderr.on("data", (chunk: Buffer) => {
      said += chunk.toString();
      const url = /http:\/\/127\S+/.exec(said)?.[0];
      if (url !== undefined) settle(url);
    });
    example.on("close", () => refuse(new Error(said)));
  });
  return () => example.stdin.end();
});

beforeEach(async () => {
  origin = await listening(site);
  const { app, clock } = openApi(openMemoryStorage(), { http: { ...HTTP_SETTINGS, corsOrigins: [origin] } });
  api = (await listen({ fetch: app.fetch, host: "127.0.0.1", port: 0, log: recordingLog() }))._unsafeUnwrap();

  const quire = createClient({ url: api.url });
  await quire.users.register({ name: "Ada Lovelace", ...ACCOUNT });
  await quire.logIn(ACCOUNT);
  for (const post of POSTS) {
    clock.advance(36 * 3_600_000);
    await quire.posts.create({ ...post, status: "published" });
  }
});

afterEach(async () => {
  await api.close(0);
  site.closeAllConnections();
  site.close();
});

const skipReason = await browserSkipReason();
const openPage = pagesOfOneBrowser();

describe("examples/reader", () => {
  it("has fewer than 170 lines in all", async () => {
    const parts = (await readdir(READER)).filter((name) => !name.endsWith(".md"));
    const texts = await Promise.all(parts.map(async (name) => readFile(join(READER, name), "utf8")));
    expect(texts.join("").split("\n").length).toBeLessThan(170);
  });
});

describe.skipIf(skipReason !== null)(
  `the page of examples/reader${skipReason === null ? "" : ` (skipped: ${skipReason})`}`,
  () => {
    const titlesOn = async (page: Page) => page.getByRole("article").getByRole("heading").allInnerTexts();

    const logIn = async (page: Page, password: string) => {
      await page.getByLabel("Password").fill(password);
      await page.keyboard.press("Enter");
    };

    it("shows the newest posts, and more after a click on More", async () => {
      const page = await openPage({ width: 900, height: 700 });
      await page.goto(origin);
      const more = page.getByRole("button", { name: "More" });
      await more.waitFor();
      const titles = POSTS.map(({ title }) => title).toReversed();
      expect(await titlesOn(page)).toEqual(titles.slice(0, 10));
      await screenshot(page, "reader-list");

      await page.setViewportSize({ width: 375, height: 667 });
      await page.emulateMedia({ colorScheme: "dark", reducedMotion: "reduce" });
      const sideways = await page.evaluate<number>("document.documentElement.scrollWidth - innerWidth");
      expect(sideways).toBe(0);
      await screenshot(page, "reader-list-phone-dark");

      await more.click();
      await page.getByRole("article").nth(11).waitFor();
      expect(await titlesOn(page)).toEqual(titles);
      expect(await more.isHidden()).toBe(true);
    });

    it("searches posts and shows one", async () => {
      const page = await openPage({ width: 900, height: 700 });
      await page.goto(origin);
      await page.getByRole("searchbox", { name: "Search" }).fill("marginalia");
      await page.keyboard.press("Enter");
      await page.locator("mark").nth(1).waitFor();
      expect(await page.locator("mark").allInnerTexts()).toEqual(["marginalia", "marginalia"]);
      expect(await page.getByText("<b>notes</b> & drawings").count()).toBe(1);
      await screenshot(page, "reader-search");

      await page.getByRole("link", { name: "Reading with a pencil" }).click();
      await page.getByText("Since then I never read without a pencil.").waitFor();
      await screenshot(page, "reader-post");
      await page.emulateMedia({ colorScheme: "dark", reducedMotion: "reduce" });
      await screenshot(page, "reader-post-dark");

      await page.goto(`${origin}/?q=typesetting`);
      await page.getByText("No posts found.").waitFor();
    });

    it("searches while the user types, by the beginning of a word", async () => {
      const page = await openPage({ width: 900, height: 700 });
      await page.goto(origin);
      await page.getByRole("button", { name: "More" }).waitFor();
      await page.getByRole("searchbox", { name: "Search" }).pressSequentially("margin");
      await page.getByText("marginalia", { exact: true }).first().waitFor();
      expect(new Set(await page.locator("mark").allInnerTexts())).toEqual(new Set(["marginalia"]));
      expect(new URL(page.url()).search).toBe("?q=margin");
      expect(await page.getByRole("button", { name: "More" }).isHidden()).toBe(true);

      await page.getByRole("searchbox", { name: "Search" }).fill("");
      await page.getByRole("article").nth(9).waitFor();
    });

    it("logs in, writes a draft that others cannot see, and publishes it", async () => {
      const page = await openPage({ width: 900, height: 700 });
      await page.goto(origin);
      await page.getByRole("button", { name: "Log in" }).click();
      await page.getByLabel("E-mail").fill(ACCOUNT.email);
      await logIn(page, "a wrong password");
      await page.getByText("No user has this e-mail address and this password. Check both.").waitFor();
      await screenshot(page, "reader-log-in");
      await logIn(page, PASSWORD);

      await page.getByRole("button", { name: "Write" }).click();
      await page.getByLabel("Title").fill("x".repeat(301));
      await page.getByLabel("Text").fill("It is raining again, so here is what I read.");
      await page.getByRole("button", { name: "Save the draft" }).click();
      await page.getByText("title: This must have at most 300 characters.").waitFor();
      await page.getByLabel("Title").fill("Notes from the library, 10");
      await screenshot(page, "reader-editor");
      await page.getByRole("button", { name: "Save the draft" }).click();

      const publish = page.getByRole("button", { name: "Publish" });
      await publish.waitFor();
      const draft = page.getByText("Ada Lovelace, Draft", { exact: true });
      await draft.waitFor();
      await screenshot(page, "reader-draft");
      const quire = createClient({ url: api.url });
      const id = new URL(page.url()).searchParams.get("post") ?? "";
      expect(await quire.posts.get(id)).toMatchObject({ error: { code: "post_not_found" } });

      await publish.click();
      await draft.waitFor({ state: "detached" });
      expect(await quire.posts.get(id)).toMatchObject({ value: { status: "published" } });

      await page.getByRole("button", { name: "Log out" }).click();
      await page.getByRole("button", { name: "Log in" }).waitFor();
      expect(await page.getByRole("button", { name: "Write" }).isHidden()).toBe(true);
    });

    it("logs out and still shows posts when the session is revoked", async () => {
      const page = await openPage();
      await page.goto(origin);
      await page.evaluate("sessionStorage.setItem('token', 'of-a-session-that-has-ended')");
      await page.reload();
      await page.getByRole("article").first().waitFor();
      await page.getByRole("button", { name: "Log in" }).waitFor();
    });

    it("shows a sentence when a post does not exist, and when the server does not answer", async () => {
      const page = await openPage();
      await page.goto(`${origin}/?post=nothing`);
      await page.getByText("No post that you may see has this id.").waitFor();
      await api.close(0);
      await page.goto(origin);
      await page.getByText("The server did not answer. Check the connection and retry.").waitFor();
      await screenshot(page, "reader-no-answer");
    });
  },
);
