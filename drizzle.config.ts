import { defineConfig } from "drizzle-kit";

export default defineConfig({
  dialect: "postgresql",
  schema: "./src/infrastructure/drizzle/schema.ts",
  out: "./drizzle",
});
