import { defineConfig } from "vitest/config";

const TIMEOUTS = { testTimeout: 60_000, hookTimeout: 120_000 };

/** Tests of pure code and of the memory storage. They need no database, so none is started for them. */
const UNIT = [
  "tests/{domain,application,interfaces,architecture}/**/*.test.ts",
  "tests/contracts/*-memory.test.ts",
  "tests/openapi/{document,examples}.test.ts",
];

export default defineConfig({
  test: {
    // By default one core is left free, which of two is half.
    maxWorkers: "100%",
    projects: [
      { test: { name: "unit", include: UNIT, ...TIMEOUTS } },
      {
        test: {
          name: "database",
          include: ["tests/**/*.test.ts"],
          exclude: [...UNIT, "**/node_modules/**"],
          globalSetup: ["tests/support/pglite-template.ts", "tests/support/postgres-server.ts"],
          ...TIMEOUTS,
        },
      },
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
