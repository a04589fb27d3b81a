import { expect, it } from "vitest";
import { openMemoryStorage } from "../../../src/infrastructure/memory/memory-storage.ts";
import { openApi } from "../../support/api.ts";

it("Server-Timing has the duration of a request of an admin, and no other user sees it", async () => {
  const api = openApi(openMemoryStorage());
  const [admin, author] = [await api.admin(), await api.author()];
  expect((await admin.get("/v1/posts")).headers.get("Server-Timing")).toMatch(/^total;dur=\d+\.\d$/);
  expect((await author.get("/v1/posts")).headers.get("Server-Timing")).toBeNull();
});
