const layer = (name) => `^src/${name}/`;
const PGLITE = layer("infrastructure/pglite");
/** Packages that esbuild.config.ts bundles, so a production install does not need them. */
const BUNDLED = [
  "@clack/prompts",
  "@hono/node-server",
  "@hono/zod-validator",
  "@noble/hashes",
  "@opentelemetry/api",
  "@opentelemetry/exporter-trace-otlp-http",
  "@opentelemetry/resources",
  "@opentelemetry/sdk-trace-node",
  "aws4fetch",
  "argon2id",
  "cockatiel",
  "commander",
  "croner",
  "dataloader",
  "drizzle-orm",
  "lru-cache",
  "neverthrow",
  "pino",
  "postgres",
  "prom-client",
  "tar-stream",
  "safe-stable-stringify",
  "uuidv7",
];
const ENGINE = layer("infrastructure/pglite/engine");

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    {
      name: "domain-imports-only-itself",
      comment: "The domain outlives every framework, so it imports only neverthrow and itself.",
      severity: "error",
      from: { path: layer("domain") },
      to: { pathNot: [layer("domain"), "node_modules/neverthrow/"] },
    },
    {
      name: "application-imports-only-the-domain",
      comment: "Use cases call adapters only through ports, so a test can replace every adapter.",
      severity: "error",
      from: { path: layer("application") },
      to: { pathNot: [layer("application"), layer("domain"), "node_modules/neverthrow/"] },
    },
    {
      name: "infrastructure-does-not-import-interfaces",
      comment: "An adapter returns a Result. An interface translates it.",
      severity: "error",
      from: { path: layer("infrastructure") },
      to: { path: [layer("interfaces"), layer("bootstrap"), "^src/[^/]+\\.ts$"] },
    },
    {
      name: "engine-imports-only-itself",
      comment: "The engine can serve any program. Pass its guard and its settings as parameters.",
      severity: "error",
      from: { path: ENGINE },
      to: { pathNot: [ENGINE, "node_modules/(neverthrow|@electric-sql/pglite)/"], dependencyTypesNot: ["core"] },
    },
    {
      name: "directory-imports-only-the-engine",
      comment: "In pglite/ imports go down: client, integrity, directory, engine.",
      severity: "error",
      from: { path: PGLITE + "directory/" },
      to: { path: PGLITE, pathNot: [PGLITE + "directory/", ENGINE] },
    },
    {
      name: "integrity-does-not-import-the-client",
      comment: "In pglite/ imports go down: client, integrity, directory, engine.",
      severity: "error",
      from: { path: PGLITE + "integrity/" },
      to: { path: PGLITE, pathNot: [PGLITE + "(integrity|directory)/", ENGINE] },
    },
    {
      name: "client-does-not-import-its-callers",
      comment: "In pglite/ imports go down: client, integrity, directory, engine.",
      severity: "error",
      from: { path: PGLITE + "client/" },
      to: { path: PGLITE, pathNot: [PGLITE + "(client|integrity|directory)/", ENGINE] },
    },
    {
      name: "interfaces-do-not-import-infrastructure",
      comment: "Interfaces only translate. The composition root selects their adapters.",
      severity: "error",
      from: { path: layer("interfaces") },
      to: { path: [layer("infrastructure"), layer("bootstrap"), "^src/[^/]+\\.ts$"] },
    },
    {
      name: "http-runs-everywhere",
      comment: "The API and the adapters of workers use only Web standards, so an edge runtime can serve it.",
      severity: "error",
      from: { path: layer("(interfaces/(http|edge)|infrastructure/web)") },
      to: { dependencyTypes: ["core"] },
    },
    {
      name: "only-the-composition-root-imports-the-node-server",
      comment: "The API, the client and the commands run without Node's HTTP server.",
      severity: "error",
      from: { path: layer("interfaces"), pathNot: layer("interfaces/node") },
      to: { path: layer("interfaces/node") },
    },
    {
      name: "contracts-are-for-tests",
      comment: "Contracts need vitest, which a production install does not have. Only the package exports them.",
      severity: "error",
      from: { path: "^src/", pathNot: [layer("contracts"), "^src/package/contracts\\.ts$"] },
      to: { path: layer("contracts") },
    },
    {
      name: "testing-is-for-tests",
      comment: "A fake hasher or a failing storage must not reach the server.",
      severity: "error",
      from: { path: "^src/", pathNot: layer("(testing|contracts|package)") },
      to: { path: layer("testing") },
    },
    {
      name: "nothing-imports-the-package",
      comment: "src/package/ only names what other projects may import. Import the file itself.",
      severity: "error",
      from: {},
      to: { path: layer("package") },
    },
    {
      name: "no-cycles",
      comment: "Merge files that need each other, or extract the shared part. Cycles of types are allowed.",
      severity: "error",
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ["type-only"] } },
    },
    {
      name: "no-orphans",
      comment: "No other file imports this file. Remove it, or import it.",
      severity: "error",
      from: { orphan: true, pathNot: "\\.d\\.ts$" },
      to: {},
    },
    {
      name: "no-dev-dependencies",
      comment:
        "A production install has no development dependencies. Add a package to BUNDLED here if the bundle shall contain it.",
      severity: "error",
      from: { path: "^src/", pathNot: layer("contracts") },
      to: {
        dependencyTypes: ["npm-dev", "npm-no-pkg", "unknown", "undetermined"],
        // A module of the runtime of workers has no file.
        pathNot: `^cloudflare:|node_modules/(${BUNDLED.join("|")})/`,
      },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    tsPreCompilationDeps: true,
    parser: "swc",
    enhancedResolveOptions: { exportsFields: ["exports"], conditionNames: ["import", "node", "types"] },
  },
};
