import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["tests/**/*.test.ts"],
    // By default one core is left free, which of two is half.
    maxWorkers: "100%",
    globalSetup: ["tests/support/pglite-template.ts", "tests/support/postgres-server.ts"],
    testTimeout: 60_000,
    hookTimeout: 120_000,
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
