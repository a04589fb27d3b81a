import * as z from "zod";
import { DEFAULT_ACCOUNT_QUOTA_MIB, DEFAULT_STATEMENT_TIMEOUT_MS, MIB } from "../default-settings.ts";
import { path, wholeNumber } from "./variable-values.ts";

const DEFAULT_DATA_DIRECTORY = "./data";
const DEFAULT_FREE_SPACE_MIB = 64;
const DEFAULT_CACHE_MIB = 64;

export interface StorageConfig {
  /** The directory of the embedded PostgreSQL; not used if there is a `database`. */
  readonly dataDirectory: string;
  readonly durability: "fsync" | "relaxed";
  readonly freeSpaceBytes: number;
  readonly statementDeadlineMs: number;
  /** How many bytes an account may store; 0 for no limit. */
  readonly accountQuotaBytes: number;
  /** The bound on the memory of the post cache of the embedded PostgreSQL; 0 for no cache. */
  readonly cacheBytes: number;
}

export const StorageVariables = z.object({
  QUIRE_DATA_DIR: path.default(DEFAULT_DATA_DIRECTORY),
  QUIRE_DURABILITY: z.enum(["fsync", "relaxed"], { error: "must be fsync or relaxed" }).default("fsync"),
  QUIRE_FREE_SPACE_MIB: wholeNumber(16, 1_000_000).default(DEFAULT_FREE_SPACE_MIB),
  QUIRE_STATEMENT_TIMEOUT_MS: wholeNumber(100, 3_600_000).default(DEFAULT_STATEMENT_TIMEOUT_MS),
  QUIRE_ACCOUNT_QUOTA_MIB: wholeNumber(0, 1_000_000).default(DEFAULT_ACCOUNT_QUOTA_MIB),
  QUIRE_CACHE_MIB: wholeNumber(0, 1_000_000).default(DEFAULT_CACHE_MIB),
});

export function storageConfig(variables: z.infer<typeof StorageVariables>): StorageConfig {
  return {
    dataDirectory: variables.QUIRE_DATA_DIR,
    durability: variables.QUIRE_DURABILITY,
    freeSpaceBytes: variables.QUIRE_FREE_SPACE_MIB * MIB,
    statementDeadlineMs: variables.QUIRE_STATEMENT_TIMEOUT_MS,
    accountQuotaBytes: variables.QUIRE_ACCOUNT_QUOTA_MIB * MIB,
    cacheBytes: variables.QUIRE_CACHE_MIB * MIB,
  };
}
