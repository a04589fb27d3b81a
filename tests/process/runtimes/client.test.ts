import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startServer, type RunningServer } from "../server.ts";
import { pagesOfOneBrowser, browserSkipReason } from "../../support/browser.ts";
import { listening } from "../../support/listening.ts";
import { PACKAGE_NAME } from "../../support/package-name.ts";
import { copyTemplate } from "../../support/test-storage.ts";
import { BUN, DENO, NO_PROGRAM } from "./programs.ts";
import type { visit } from "./visit.ts";

type Seen = Awaited<ReturnType<typeof visit>>;

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const VISIT = fileURLToPath(new URL("visit.ts", import.meta.url));

const skipReason = await browserSkipReason();
const openPage = pagesOfOneBrowser();

/** The runtimes. Each runs a module in a directory where quire is installed. */
const RUNTIMES: readonly (readonly [name: string, program: string | null, options: readonly string[]])[] = [
  ["Node", process.execPath, []],
  ["Deno", DENO, ["run", "--no-prompt", "--allow-net=127.0.0.1", "--node-modules-dir=manual"]],
  ["Bun", BUN, []],
];

/** Serves a page of another origin than the API. QUIRE_CORS_ORIGINS names that origin. */
const pages = createServer(({ url = "/" }, response) => {
  if (url.startsWith("/silent/")) return;
  if (url.startsWith("/moved/")) return response.writeHead(301, { Location: "/" }).end();
  const isScript = url === "/visit.js";
  response.writeHead(200, { "Content-Type": isScript ? "text/javascript" : "text/html" });
  return response.end(isScript ? script : "<!doctype html><title>A visit</title>");
});
let script = "";
let origin: string;
let dataDirectory: string;
let directory: string;
let server: RunningServer;

beforeAll(async () => {
  origin = await listening(pages);
  dataDirectory = await copyTemplate();
  server = await startServer(dataDirectory, { QUIRE_CORS_ORIGINS: origin, QUIRE_LOGIN_LIMIT_PER_MINUTE: "3" });

  directory = await mkdtemp(join(tmpdir(), "quire-visit-"));
  await mkdir(join(directory, "node_modules"));
  await symlink(ROOT, join(directory, "node_modules", PACKAGE_NAME));
  await writeFile(join(directory, "visit.mjs"), await visitWith({ external: [`${PACKAGE_NAME}/client`] }));
  const main = `console.log(JSON.stringify(await visit("${server.url}", "${origin}")));`;
  await writeFile(join(directory, "main.mjs"), `import { visit } from "./visit.mjs";\n${main}\n`);
  script = await visitWith({ external: [] });
});

afterAll(async () => {
  pages.closeAllConnections();
  pages.close();
  await server.end("SIGTERM");
  await rm(directory, { recursive: true });
  await rm(dataDirectory, { recursive: true });
});

describe("the typed client", () => {
  for (const [name, program, options] of RUNTIMES) {
    const why = program === null ? NO_PROGRAM : "";
    it.skipIf(program === null)(`returns the same results in ${name}${why}`, async () => {
      const { PATH } = process.env;
      const env = { PATH, DENO_DIR: join(directory, "deno"), DENO_NO_UPDATE_CHECK: "1" };
      const run = promisify(execFile)(program ?? "", [...options, "main.mjs"], { cwd: directory, env });
      const { stdout, stderr } = await run;
      expect(stderr).toBe("");
      expectAll(JSON.parse(stdout) as Seen);
    });
  }

  const why = skipReason === null ? "" : ` (skipped: ${skipReason})`;
  it.skipIf(skipReason !== null)(`returns the same results in Chromium on a page of another origin${why}`, async () => {
    const page = await openPage();
    await page.goto(origin);
    const visiting = `import("/visit.js").then(({ visit }) => visit("${server.url}", "${origin}"))`;
    expectAll(await page.evaluate<Seen>(visiting));
  });
});

function expectAll(seen: Seen): void {
  expect(seen).toEqual({
    role: "author",
    edited: "2 One",
    lateEdit: "precondition_failed",
    lateDelete: "precondition_failed",
    sentWithKey: 2,
    differentKeys: 1,
    titles: ["Five", "Four", "Three", "Two", "One"],
    pages: 3,
    pagesUntilLeft: 1,
    fields: ["body /title too_short"],
    loggedOut: "authentication_required",
    unreachable: "network_error",
    aborted: "aborted",
    tooLate: "network_error",
    redirected: "unexpected_answer",
    headers: {
      etag: '"2"',
      replayed: "true",
      link: expect.stringMatching(/rel="prev"$/) as string,
      retryAfter: expect.stringMatching(/^[1-9]\d*$/) as string,
    },
  });
}

/** The visit as JavaScript, bundled with its imports except the external ones. */
async function visitWith({ external }: { readonly external: string[] }): Promise<string> {
  const { outputFiles } = await build({ entryPoints: [VISIT], bundle: true, format: "esm", write: false, external });
  return outputFiles[0]?.text ?? "";
}
