const layer = (name) => `^src/${name}/`;
const PGLITE = layer("infrastructure/pglite");
const ENGINE = layer("infrastructure/pglite/engine");

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    {
      name: "domain-knows-nobody",
      comment: "The rules of publishing outlive every framework: they import neverthrow and each other.",
      severity: "error",
      from: { path: layer("domain") },
      to: { pathNot: [layer("domain"), "node_modules/neverthrow/"] },
    },
    {
      name: "application-knows-the-domain",
      comment: "Use cases meet the world through ports, so that every adapter can be swapped in a test.",
      severity: "error",
      from: { path: layer("application") },
      to: { pathNot: [layer("application"), layer("domain"), "node_modules/neverthrow/"] },
    },
    {
      name: "infrastructure-does-not-know-interfaces",
      comment: "An adapter serves whoever calls.",
      severity: "error",
      from: { path: layer("infrastructure") },
      to: { path: [layer("interfaces"), layer("bootstrap"), "^src/[^/]+\\.ts$"] },
    },
    {
      name: "engine-knows-nobody",
      comment: "A durable PGlite serves any program: pass in what it needs, as its guard or its settings.",
      severity: "error",
      from: { path: ENGINE },
      to: { pathNot: [ENGINE, "node_modules/(neverthrow|@electric-sql/pglite)/"], dependencyTypesNot: ["core"] },
    },
    {
      name: "directory-knows-only-the-engine-below-it",
      comment: "In pglite/ imports go down: client, integrity, directory, engine.",
      severity: "error",
      from: { path: PGLITE + "directory/" },
      to: { path: PGLITE, pathNot: [PGLITE + "directory/", ENGINE] },
    },
    {
      name: "integrity-does-not-know-the-client",
      comment: "In pglite/ imports go down: client, integrity, directory, engine.",
      severity: "error",
      from: { path: PGLITE + "integrity/" },
      to: { path: PGLITE, pathNot: [PGLITE + "(integrity|directory)/", ENGINE] },
    },
    {
      name: "client-does-not-know-what-opens-it",
      comment: "In pglite/ imports go down: client, integrity, directory, engine.",
      severity: "error",
      from: { path: PGLITE + "client/" },
      to: { path: PGLITE, pathNot: [PGLITE + "(client|integrity|directory)/", ENGINE] },
    },
    {
      name: "interfaces-do-not-know-infrastructure",
      comment: "Interfaces translate; what they run on is decided in the composition.",
      severity: "error",
      from: { path: layer("interfaces") },
      to: { path: [layer("infrastructure"), layer("bootstrap"), "^src/[^/]+\\.ts$"] },
    },
    {
      name: "http-runs-everywhere",
      comment: "The API needs Web standards alone, so that it can be served from an edge runtime.",
      severity: "error",
      from: { path: layer("interfaces/http") },
      to: { dependencyTypes: ["core"] },
    },
    {
      name: "only-the-composition-knows-the-node-server",
      comment: "The API, the client and the commands run without Node's HTTP server.",
      severity: "error",
      from: { path: layer("interfaces"), pathNot: layer("interfaces/node") },
      to: { path: layer("interfaces/node") },
    },
    {
      name: "no-cycles",
      comment: "Files that need each other are one file, or lack a third. Types alone may point both ways.",
      severity: "error",
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ["type-only"] } },
    },
    {
      name: "no-orphans",
      comment: "Nobody uses this file.",
      severity: "error",
      from: { orphan: true, pathNot: "\\.d\\.ts$" },
      to: {},
    },
    {
      name: "no-dev-dependencies",
      comment: "What the server needs must be there in production.",
      severity: "error",
      from: { path: "^src/" },
      to: { dependencyTypes: ["npm-dev", "npm-no-pkg", "unknown", "undetermined"] },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    tsPreCompilationDeps: true,
    parser: "swc",
    enhancedResolveOptions: { exportsFields: ["exports"], conditionNames: ["import", "node", "types"] },
  },
};
