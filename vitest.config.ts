import { defineConfig } from "vitest/config";
import { LongestFirst } from "./tests/support/longest-first.ts";
import { skippedTestsReporter } from "./tests/support/skipped-tests-reporter.ts";

const TIMEOUTS = { testTimeout: 60_000, hookTimeout: 120_000 };
/** All test files of a worker share its modules. To import the sources again for each file takes longer than most tests. */
const SHARED_MODULES = { isolate: false };
/** It starts a PostgreSQL server and creates a template of an embedded database. The project `unit` does not need them. */
const DATABASES = "tests/support/databases.ts";
const NESTED_PACKAGES = "**/node_modules/**";
/** They pack this package, install packages of third parties, or run the server in several runtimes. */
const PACKAGES = [
  "tests/process/openapi/tools.test.ts",
  "tests/process/examples/sqlite-storage.test.ts",
  "tests/process/package/*.test.ts",
  "tests/process/runtimes/*.test.ts",
];

/** They copy, restore, upgrade or move whole databases, open a database for each command, or wait behind proxies. */
const OPERATIONS = [
  "tests/infrastructure/{backup,backup-stores,compaction,transfer,upgrade,verification}.test.ts",
  "tests/process/{backup,maintenance,move,proxies,rolling-restart,runbook,upgrade}.test.ts",
  "tests/contract/cli/*.test.ts",
];

/** The contracts again, on PostgreSQL in three locales and with one connection for each request. */
const VARIANTS = ["tests/contract/ports/{search-locales,storage-postgresql-per-request}.test.ts"];

export default defineConfig({
  test: {
    // The default leaves one core free, which is half of a machine with two cores.
    maxWorkers: "100%",
    reporters: ["default", skippedTestsReporter()],
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          name: "unit",
          include: ["tests/unit/**/*.test.ts", "tests/contract/*/*-memory.test.ts"],
          ...SHARED_MODULES,
          ...TIMEOUTS,
        },
      },
      {
        test: {
          name: "contract",
          include: ["tests/contract/**/*.test.ts"],
          exclude: ["tests/contract/*/*-memory.test.ts", ...OPERATIONS, ...VARIANTS],
          globalSetup: DATABASES,
          ...SHARED_MODULES,
          ...TIMEOUTS,
        },
      },
      {
        test: {
          name: "process",
          include: ["tests/process/**/*.test.ts"],
          exclude: [NESTED_PACKAGES, ...PACKAGES, ...OPERATIONS],
          globalSetup: DATABASES,
          ...TIMEOUTS,
        },
      },
      // The tests of these projects take minutes, so `npm test` does not include them, but `.ci/run` does.
      {
        test: {
          name: "infrastructure",
          include: ["tests/infrastructure/**/*.test.ts"],
          exclude: OPERATIONS,
          globalSetup: DATABASES,
          ...SHARED_MODULES,
          ...TIMEOUTS,
        },
      },
      { test: { name: "variants", include: VARIANTS, globalSetup: DATABASES, ...SHARED_MODULES, ...TIMEOUTS } },
      { test: { name: "operations", include: OPERATIONS, globalSetup: DATABASES, ...TIMEOUTS } },
      { test: { name: "packages", include: PACKAGES, globalSetup: DATABASES, ...TIMEOUTS } },
      { test: { name: "faults", include: ["tests/faults/**/*.test.ts"], globalSetup: DATABASES, ...TIMEOUTS } },
    ],
    coverage: {
      provider: "v8",
      include: ["src/**/*.ts"],
      reporter: ["text-summary", "html"],
      thresholds: {
        "src/domain/**": { branches: 95 },
        "src/application/**": { branches: 95 },
      },
    },
  },
});
