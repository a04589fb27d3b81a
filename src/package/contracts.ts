/** `quire-api/contracts`: what every adapter of a port must do, as tests for vitest. */
export { clockContract } from "../contracts/clock.contract.ts";
export { idGeneratorContract } from "../contracts/id-generator.contract.ts";
export { idempotencyCipherContract } from "../contracts/idempotency-cipher.contract.ts";
export { logContract } from "../contracts/log.contract.ts";
export { passwordHasherContract } from "../contracts/password-hasher.contract.ts";
export { rateLimiterContract } from "../contracts/rate-limiter.contract.ts";
export { sessionTokensContract } from "../contracts/session-tokens.contract.ts";
export { storageContract } from "../contracts/storage.contract.ts";
export type {
  OpenedStorage,
  StorageCapabilities,
  StorageUnderTest,
  TestStorageOptions,
} from "../contracts/storage-under-test.ts";
