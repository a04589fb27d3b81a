import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { openMemoryStorage } from "../../../src/infrastructure/memory/memory-storage.ts";
import { openApi } from "../../support/api.ts";
import { publishedDocument } from "../../support/openapi.ts";

const REDOCLY = fileURLToPath(new URL("../../../node_modules/.bin/redocly", import.meta.url));

/** A path that is not part of the API: the description itself. */
const UNDOCUMENTED = new Set(["GET /openapi.json"]);

const { app } = openApi(openMemoryStorage());
const document = await publishedDocument(app);

describe("the OpenAPI document", () => {
  it("has every route of the app, and no other", () => {
    const routes = app.routes
      .filter(({ method }) => method !== "ALL")
      .map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)/g, "{$1}")}`);
    const documented = Object.entries(document.paths).flatMap(([path, item]) =>
      Object.keys(item).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect(documented.toSorted()).toEqual([...new Set(routes)].filter((key) => !UNDOCUMENTED.has(key)).toSorted());
  });

  it("has only patterns with the same meaning in every dialect of regular expressions", () => {
    const patterns = [...JSON.stringify(document).matchAll(/"pattern":("(?:[^"\\]|\\.)*")/g)].map(
      ([, json = ""]) => JSON.parse(json) as string,
    );
    expect(patterns.length).toBeGreaterThan(0);
    // RFC 9485: no look-around, no Unicode classes or escapes, no bare bracket in a class.
    const unportable = /\(\?(?!:)|\\[pPukbB]|\[[^\]\\]*\[/;
    expect(patterns.filter((pattern) => unportable.test(pattern))).toEqual([]);
    for (const pattern of patterns) expect(new RegExp(pattern).source).toBe(new RegExp(pattern, "u").source);
  });

  it("has each response with problems, header parameter and body once, as a named component", () => {
    const parts = Object.values(document.paths).flatMap((item) =>
      Object.values(item).flatMap(({ parameters, requestBody, responses }) => [
        ...parameters.filter((each) => each.in !== "path" && each.in !== "query"),
        ...Object.entries(responses).flatMap(([status, response]) => (Number(status) >= 400 ? [response] : [])),
        ...Object.values(requestBody?.content ?? {}).map(({ schema }) => schema),
      ]),
    );
    expect(parts.filter((part) => !("$ref" in part))).toEqual([]);
  });

  it("has one media type for each body", () => {
    const bodies = Object.values(document.paths).flatMap((item) =>
      Object.values(item).flatMap(({ requestBody }) => (requestBody === undefined ? [] : [requestBody.content])),
    );
    expect(bodies.map((content) => Object.keys(content))).toEqual(bodies.map(() => ["application/json"]));
  });

  it("has no header of the transport or of the browser, which a mock server would send", () => {
    const { headers } = (document as unknown as { components: { headers: Record<string, unknown> } }).components;
    expect(Object.keys(headers).filter((name) => /^(?:content-|access-control-|x-content|cross-)/i.test(name))).toEqual(
      [],
    );
  });

  it("passes Redocly's recommended rules without a warning", async () => {
    const { exitCode, output } = await lint(JSON.stringify(document));
    expect(output).toContain('"totals": {\n    "errors": 0,\n    "warnings": 0');
    expect(exitCode).toBe(0);
  });

  it("does not pass with a mistake in it", async () => {
    const { exitCode } = await lint(JSON.stringify({ ...document, security: [{ nobody: [] }] }));
    expect(exitCode).toBe(1);
  });
});

async function lint(json: string): Promise<{ exitCode: number; output: string }> {
  const directory = await mkdtemp(join(tmpdir(), "quire-openapi-"));
  const file = join(directory, "openapi.json");
  await writeFile(file, json);
  const options = ["lint", "--extends=recommended", "--format=json", file];
  // Otherwise Redocly sends telemetry, and checks the registry for a newer version.
  const env = { ...process.env, REDOCLY_TELEMETRY: "off", REDOCLY_SUPPRESS_UPDATE_NOTICE: "true" };
  const result = await new Promise<{ exitCode: number; output: string }>((settle) => {
    const child = execFile(REDOCLY, options, { cwd: directory, env, maxBuffer: 50_000_000 }, (_, stdout, stderr) =>
      settle({ exitCode: child.exitCode ?? -1, output: stdout + stderr }),
    );
  });
  await rm(directory, { recursive: true });
  return result;
}
