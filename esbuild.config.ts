import { copyFileSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, normalize, relative } from "node:path";
import { build, type Metafile } from "esbuild";
import { readMigrations } from "./src/infrastructure/drizzle/read-migrations.ts";
import { SWAGGER_UI_FILES } from "./src/interfaces/http/routes/docs.ts";

/**
 * Bundles the programs and the exports, so that a production install needs no package that is large for the little that is used of it. A
 * package of `dependencies` is installed; a package of `devDependencies` that `src` imports is in the bundle. So is zod, which is installed
 * for its types: to load its 95 files would take a tenth of a start.
 */

/** pino and commander are CommonJS and require modules of Node, which an ECMAScript module can do only with this function. */
const REQUIRE = `import { createRequire as requireOf } from "node:module";\nconst require = requireOf(import.meta.url);`;

interface PackageJson {
  readonly version: string;
  readonly license: string;
  readonly exports: Readonly<Record<string, { readonly types: string }>>;
  readonly dependencies: Readonly<Record<string, string>>;
}

const DIST = "dist";
const CHUNKS = join(DIST, "chunks");

/** The entry points, by their path below `dist`: the programs, the exports of the package, and the modules of worker threads. */
const PROGRAMS = {
  main: "src/main.ts",
  cli: "src/cli.ts",
  "package/contracts": "src/package/contracts.ts",
  "package/engine": "src/package/engine.ts",
  "package/memory": "src/package/memory.ts",
  "package/pglite": "src/package/pglite.ts",
  "package/postgresql": "src/package/postgresql.ts",
  "package/quire": "src/package/quire.ts",
  "package/testing": "src/package/testing.ts",
  "workers/hashing-worker": "src/infrastructure/crypto/hashing-worker.ts",
  "workers/engine-worker": "src/infrastructure/pglite/client/engine-worker.ts",
  "workers/initialise-worker": "src/infrastructure/pglite/engine/initialise-worker.ts",
  "workers/old-engine-worker": "src/infrastructure/pglite/upgrade/old-engine-worker.ts",
};

/** The entry points of workers. */
const WORKERS = {
  "package/edge": "src/package/edge.ts",
  "package/edge-postgresql": "src/package/edge-postgresql.ts",
};

/** The modules of Node that the driver of PostgreSQL imports, by the names that every runtime with Node's modules has. */
const NODE_MODULES = Object.fromEntries(
  ["crypto", "fs", "net", "os", "perf_hooks", "stream", "tls"].map((name) => [name, `node:${name}`]),
);

async function bundlePrograms(): Promise<Metafile> {
  const installed = Object.keys(packageJson("package.json").dependencies);
  // The names of chunks contain a hash, so old ones would accumulate.
  rmSync(CHUNKS, { recursive: true, force: true });
  const { metafile } = await build({
    entryPoints: PROGRAMS,
    outdir: DIST,
    chunkNames: "chunks/[name]-[hash]",
    bundle: true,
    // The command line and both databases are loaded only when they are used.
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node20.19",
    // Only ECMAScript modules can be reduced to their used parts.
    mainFields: ["module", "main"],
    // The contracts run in the vitest of the project that imports them.
    external: [...installed.filter((name) => name !== "zod"), "vitest", "fast-check"],
    banner: { js: REQUIRE },
    metafile: true,
    logLevel: "warning",
  });
  return metafile;
}

/** Bundles the API for workers. Only the storage on PostgreSQL imports modules of Node. */
async function bundleWorkers(): Promise<Metafile> {
  const migrations = (await readMigrations("drizzle"))._unsafeUnwrap();
  const needed = migrations.map(({ tag, createdAt, hash }) => ({ tag, createdAt, hash }));
  const { metafile } = await build({
    entryPoints: WORKERS,
    outdir: DIST,
    chunkNames: "chunks/[name]-[hash]",
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "neutral",
    mainFields: ["module", "main"],
    // Without "workerd": that build of the driver has a socket of its own, which the storage cannot observe.
    conditions: ["worker", "browser", "import"],
    target: "es2023",
    alias: NODE_MODULES,
    // The names stay, so that a stack trace can be read.
    minifyWhitespace: true,
    minifySyntax: true,
    define: { NEEDED_MIGRATIONS: JSON.stringify(needed) },
    external: [...Object.keys(packageJson("package.json").dependencies), "node:*", "cloudflare:*"],
    metafile: true,
    logLevel: "warning",
  });
  return metafile;
}

/** Copies the WebAssembly of Argon2id, which a worker imports by itself, with its type. */
function copyArgon2id(): void {
  const source = createRequire(import.meta.url).resolve("argon2id/dist/simd.wasm");
  copyFileSync(source, join(DIST, "package", "argon2id.wasm"));
  const types = "/** The compiled module of Argon2id. */\ndeclare const argon2id: object;\nexport default argon2id;\n";
  writeFileSync(join(DIST, "package", "argon2id.d.ts"), types);
}

/** Writes the licences of the packages in the bundles, which require this. */
function writeLicences(...bundles: readonly Metafile[]): void {
  const inputs = bundles.flatMap((bundle) => Object.keys(bundle.inputs));
  const bundled = inputs.flatMap((path) => /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1] ?? []);
  /** The packages of each text: many packages of one project have the same one. */
  const packages = new Map<string, string[]>();
  for (const name of new Set(bundled)) {
    const folder = join("node_modules", name);
    const licence = readdirSync(folder).find((file) => /^licen[cs]e/i.test(file));
    const { version, license } = packageJson(join(folder, "package.json"));
    const text = licence === undefined ? license : readFileSync(join(folder, licence), "utf8").trim();
    packages.set(text, [...(packages.get(text) ?? []), `${name} ${version}`]);
  }
  const texts = Array.from(packages, ([text, names]) => `${names.join("\n")}\n\n${text}\n`);
  writeFileSync(join(DIST, "THIRD-PARTY-LICENCES.txt"), texts.join(`\n${"-".repeat(80)}\n\n`));
}

/** Copies the files of Swagger UI that the page loads, 1.9 of 12 MB, with its licence and its version. */
function copySwaggerUi(): void {
  const source = dirname(createRequire(import.meta.url).resolve("swagger-ui-dist/package.json"));
  const target = join(DIST, "swagger-ui");
  mkdirSync(target, { recursive: true });
  for (const name of [...SWAGGER_UI_FILES, "LICENSE", "NOTICE", "package.json"]) {
    copyFileSync(join(source, name), join(target, name));
  }
}

/** Keeps the declarations out of the package that no export needs, 2.7 MB of 3.6: npm reads this file in `dist`. */
function ignoreUnneededDeclarations(): void {
  const needed = new Set<string>();
  const waiting = Object.values(packageJson("package.json").exports).map(({ types }) => normalize(types));
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    if (needed.has(file)) continue;
    needed.add(file);
    for (const [, path = ""] of readFileSync(file, "utf8").matchAll(/(?:from |import\()"(\.[^"]+)\.ts"/g)) {
      waiting.push(`${join(dirname(file), path)}.d.ts`);
    }
  }
  const files = readdirSync(DIST, { recursive: true, encoding: "utf8" }).map((file) => join(DIST, file));
  const unneeded = files.filter((file) => file.endsWith(".d.ts") && !needed.has(file));
  writeFileSync(join(DIST, ".npmignore"), unneeded.map((file) => `/${relative(DIST, file)}\n`).join(""));
}

function packageJson(file: string): PackageJson {
  return JSON.parse(readFileSync(file, "utf8")) as PackageJson;
}

writeLicences(await bundlePrograms(), await bundleWorkers());
copyArgon2id();
copySwaggerUi();
ignoreUnneededDeclarations();
