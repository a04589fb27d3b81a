import type { TestProject } from "vitest/node";
import { provideServer } from "./postgres-server.ts";
import { provideTemplate } from "./pglite-template.ts";

/** Prepares both databases at the same time: a template of an embedded database, and a PostgreSQL server. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const closing = await Promise.all([provideTemplate(project), provideServer(project)]);
  return async () => void (await Promise.all(closing.map(async (close) => close())));
}
