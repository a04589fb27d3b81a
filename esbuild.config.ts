import { copyFileSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { build, type Metafile } from "esbuild";
import { SWAGGER_UI_FILES } from "./src/interfaces/http/routes/docs.ts";

/**
 * Bundles the programs and the exports, so that a production install needs no package that is large for the little that is used of it. A
 * package of `dependencies` is installed; a package of `devDependencies` that `src` imports is in the bundle.
 */

/** pino and commander are CommonJS and require modules of Node, which an ECMAScript module can do only with this function. */
const REQUIRE = `import { createRequire as requireOf } from "node:module";\nconst require = requireOf(import.meta.url);`;

interface PackageJson {
  readonly version: string;
  readonly license: string;
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
};

async function bundlePrograms(): Promise<Metafile> {
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
    external: [...Object.keys(packageJson("package.json").dependencies), "vitest", "fast-check"],
    banner: { js: REQUIRE },
    metafile: true,
    logLevel: "warning",
  });
  return metafile;
}

/** Writes the licences of the packages in the bundle, which require this. */
function writeLicences({ inputs }: Metafile): void {
  const bundled = Object.keys(inputs).flatMap((path) => /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1] ?? []);
  const texts = Array.from(new Set(bundled), (name) => {
    const folder = join("node_modules", name);
    const licence = readdirSync(folder).find((file) => /^licen[cs]e/i.test(file));
    const { version, license } = packageJson(join(folder, "package.json"));
    const text = licence === undefined ? license : readFileSync(join(folder, licence), "utf8").trim();
    return `${name} ${version}\n\n${text}\n`;
  });
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

function packageJson(file: string): PackageJson {
  return JSON.parse(readFileSync(file, "utf8")) as PackageJson;
}

writeLicences(await bundlePrograms());
copySwaggerUi();
