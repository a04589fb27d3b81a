import { describe, expect, it } from "vitest";
import { pagesOfOneBrowser, screenshot, browserSkipReason } from "../support/browser.ts";
import { readFile } from "node:fs/promises";

const skipReason = await browserSkipReason();
const openPage = pagesOfOneBrowser();

describe.skipIf(skipReason !== null)(`the browser${skipReason === null ? "" : ` (skipped: ${skipReason})`}`, () => {
  it("runs a page's script and draws its text", async () => {
    const page = await openPage({ width: 400, height: 120 });
    await page.setContent("<h1></h1><script>document.querySelector('h1').textContent = 'Wörter';</script>");
    const drawn = await readFile(await screenshot(page, "browser"));
    await page.evaluate("document.querySelector('h1').style.color = 'transparent'");
    expect(Buffer.compare(drawn, await page.screenshot({ fullPage: true }))).not.toBe(0);
  });
});
