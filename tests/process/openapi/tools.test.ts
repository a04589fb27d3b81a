import { execFile, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFile, rm, stat, writeFile, mkdir } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { build } from "esbuild";
import { afterAll, beforeAll, beforeEach, afterEach, describe, expect, it } from "vitest";
import { openMemoryStorage } from "../../../src/infrastructure/memory/memory-storage.ts";
import { listen, type HttpServer } from "../../../src/interfaces/node/http-server.ts";
import { openApi } from "../../support/api.ts";
import { recordingLog } from "../../../src/testing/fixtures.ts";
import { listening } from "../../support/listening.ts";
import { publishedDocument } from "../../support/openapi.ts";

const TOOLS = fileURLToPath(new URL("tools", import.meta.url));
const GENERATED = join(TOOLS, "generated");
const DOCUMENT = join(GENERATED, "openapi.json");
const run = promisify(execFile);

/** The programs of flows/ that use a generated client. */
const CLIENTS = ["openapi-fetch", "hey-api", "orval"];

/** The tools must not prompt and must not send telemetry. */
const ENV = { ...process.env, CI: "true", DO_NOT_TRACK: "1", ORVAL_TELEMETRY_DISABLED: "1" };

/** Runs a tool that npm has installed. Rejects with the output of the tool if it fails. */
async function tool(name: string, ...args: readonly string[]): Promise<string> {
  const { stdout } = await run(join(TOOLS, "node_modules", ".bin", name), args, {
    cwd: TOOLS,
    env: ENV,
    maxBuffer: 50_000_000,
  });
  return stdout;
}

/** The tools are a separate package, because users of Quire do not need them. The first run of this test installs it. */
async function installTools(): Promise<void> {
  const changed = async (path: string) => (await stat(join(TOOLS, path)).catch(() => null))?.mtimeMs ?? 0;
  if ((await changed("node_modules/.package-lock.json")) >= (await changed("package-lock.json"))) return;
  await run("npm", ["ci", "--no-audit", "--no-fund"], { cwd: TOOLS, maxBuffer: 50_000_000 });
}

let server: HttpServer;
let { app } = openApi(openMemoryStorage());

beforeAll(async () => {
  await installTools();
  await rm(GENERATED, { recursive: true, force: true });
  await mkdir(GENERATED);
  await writeFile(DOCUMENT, JSON.stringify(await publishedDocument(app)));
  const started = await listen({
    fetch: async (...call) => app.fetch(...call),
    host: "127.0.0.1",
    port: 0,
    log: recordingLog(),
  });
  server = started._unsafeUnwrap();
  await generateClients();
}, 300_000);

beforeEach(() => {
  // All programs register the same user, so the API is new in each test.
  ({ app } = openApi(openMemoryStorage()));
});
afterAll(async () => {
  await server.close(0);
  await rm(GENERATED, { recursive: true, force: true });
});

/** Generates the clients of all generators concurrently. Rejects with the output of a generator that fails. */
async function generateClients(): Promise<void> {
  const config = join(GENERATED, "orval.config.cjs");
  const output = { target: join(GENERATED, "orval.ts"), client: "fetch", baseUrl: server.url };
  await writeFile(config, `module.exports = ${JSON.stringify({ quire: { input: DOCUMENT, output } })};\n`);
  await Promise.all([
    tool("openapi-typescript", DOCUMENT, "--output", join(GENERATED, "openapi-typescript.ts")),
    tool(
      "openapi-ts",
      "--input",
      DOCUMENT,
      "--output",
      join(GENERATED, "hey-api"),
      "--client",
      "@hey-api/client-fetch",
    ),
    tool("orval", "--config", config),
  ]);
}

/** The results of the calls in flows/flow.ts, which are the same for every generated client. */
const EXPECTED = {
  statuses: [201, 201, 201, 200, 200, 200, 412, 204, 404],
  total: 1,
  title: "More otters",
  code: "precondition_failed",
};

/** Bundles a program of flows/ with its generated client. */
async function bundled(entry: string): Promise<string> {
  const outfile = join(GENERATED, "bundles", `${entry.replaceAll("/", "-")}.mjs`);
  await build({
    entryPoints: [join(TOOLS, entry)],
    bundle: true,
    platform: "node",
    format: "esm",
    // Packages in CommonJS call `require`, which a module does not have.
    banner: { js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' },
    outfile,
    logLevel: "error",
  });
  return outfile;
}

async function runFlow(name: string, url: string): Promise<unknown> {
  const { stdout } = await run(process.execPath, [await bundled(`flows/${name}.ts`)], {
    env: { ...ENV, QUIRE_URL: url },
  });
  return JSON.parse(stdout);
}

describe("the OpenAPI document in third-party tools", () => {
  it("passes the rules of Spectral without an error or a warning", async () => {
    const ruleset = join(GENERATED, "ruleset.yaml");
    // Only the operator of a server could name a contact, so the document has none.
    await writeFile(ruleset, 'extends: ["spectral:oas"]\nrules: { info-contact: "off" }\n');
    const output = await tool("spectral", "lint", "--ruleset", ruleset, "--fail-severity", "warn", DOCUMENT);
    expect(output).toContain("No results with a severity of 'warn' or higher found!");
  });

  it("generates clients that compile strictly with the TypeScript version that the generators support", async () => {
    const config = join(GENERATED, "tsconfig.clients.json");
    const include = CLIENTS.map((name) => `../flows/${name}.ts`);
    await writeFile(config, JSON.stringify({ extends: "../tsconfig.json", include }));
    await tool("tsc", "--project", config);
  });

  it.each(CLIENTS)("generates a client that completes the flow: %s", async (name) => {
    expect(await runFlow(name, server.url)).toEqual(EXPECTED);
  });

  it("generates a Postman collection with every operation and no optional header enabled", async () => {
    const file = join(GENERATED, "postman.json");
    await tool(
      "openapi2postmanv2",
      "--spec",
      DOCUMENT,
      "--output",
      file,
      "--options",
      "enableOptionalParameters=false",
    );
    const requests = requestsIn(JSON.parse(await readFile(file, "utf8")) as PostmanItem);
    const document = await publishedDocument(openApi(openMemoryStorage()).app);
    expect(requests).toHaveLength(Object.values(document.paths).flatMap((item) => Object.keys(item)).length);
    const switchedOn = requests.flatMap(({ header = [] }) => header.filter(({ disabled }) => disabled !== true));
    expect([...new Set(switchedOn.map(({ key }) => key))].toSorted()).toEqual(["Accept", "Content-Type"]);
  });

  it("generates an MCP server whose tools write and find a post", async () => {
    const directory = join(GENERATED, "mcp");
    await tool(
      "openapi-mcp-generator",
      "--input",
      DOCUMENT,
      "--output",
      directory,
      "--base-url",
      server.url,
      "--force",
    );
    const token = await logIn(server.url);
    const [mcp, caller] = await Promise.all([bundled("generated/mcp/src/index.ts"), bundled("flows/mcp.ts")]);
    const { stdout } = await run(process.execPath, [caller, mcp], { env: { ...ENV, BEARER_TOKEN_BEARER: token } });
    expect(stdout).toContain("Words about otters.");
    expect(stdout).toContain('"total": 1');
  });
});

interface PostmanItem {
  readonly item?: readonly PostmanItem[];
  readonly request?: { readonly header?: readonly { readonly key: string; readonly disabled?: boolean }[] };
}

function requestsIn({ item = [], request }: PostmanItem): NonNullable<PostmanItem["request"]>[] {
  return [...(request === undefined ? [] : [request]), ...item.flatMap(requestsIn)];
}

async function logIn(url: string): Promise<string> {
  const post = async (path: string, body: object) => {
    const headers = { "Content-Type": "application/json" };
    return fetch(url + path, { method: "POST", headers, body: JSON.stringify(body) });
  };
  const credentials = { email: "ada@example.org", password: "correct horse battery staple" };
  await post("/v1/users", { name: "Ada", ...credentials });
  return ((await (await post("/v1/sessions", credentials)).json()) as { token: string }).token;
}

describe("Prism with the OpenAPI document", () => {
  let prism: ChildProcess;
  const startPrism = async (...args: readonly string[]) => {
    const url = await freeOrigin();
    const port = new URL(url).port;
    prism = spawn(join(TOOLS, "node_modules", ".bin", "prism"), [...args, "--host", "127.0.0.1", "--port", port], {
      cwd: TOOLS,
      env: ENV,
    });
    let printed = "";
    await new Promise<void>((settle, reject) => {
      prism.stdout?.on("data", (chunk) => {
        printed += String(chunk);
        if (printed.includes("Prism is listening")) settle();
      });
      prism.once("exit", () => reject(new Error(`Prism has not started: ${printed}`)));
    });
    return url;
  };
  afterEach(async () => {
    const exited = once(prism, "exit");
    prism.kill("SIGKILL");
    await exited;
  });

  it("mocks a server with valid responses, compressed and uncompressed", async () => {
    const url = await startPrism("mock", DOCUMENT);
    const list = await fetch(`${url}/v1/posts`);
    expect({ status: list.status, body: await list.json() }).toMatchObject({ status: 200, body: { nextCursor: null } });
    const created = await fetch(`${url}/v1/posts`, {
      method: "POST",
      headers: { "Content-Type": "application/json", Authorization: "Bearer token" },
      body: JSON.stringify({ title: "Otters", content: "Words about otters." }),
    });
    expect(created.status).toBe(201);
  });

  it("finds no violation as a validating proxy in front of the server", async () => {
    const url = await startPrism("proxy", DOCUMENT, server.url, "--errors");
    expect(await runFlow("openapi-fetch", url)).toEqual(EXPECTED);
  });
});

async function freeOrigin(): Promise<string> {
  const probe = createServer();
  const origin = await listening(probe);
  probe.close();
  await once(probe, "close");
  return origin;
}
