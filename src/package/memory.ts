/** `quire-api/memory`: a storage that lives as long as the process. */
export { openMemoryStorage } from "../infrastructure/memory/memory-storage.ts";
export type { MemoryOptions } from "../infrastructure/memory/memory-quota.ts";
export { listPage, searchPage } from "../infrastructure/memory/post-pages.ts";
