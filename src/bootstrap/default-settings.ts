import type { Registration } from "../domain/access.ts";
import type { HttpSettings } from "../interfaces/http/settings.ts";

/** The settings of the API without a variable of the environment, on every runtime. */
export const DEFAULT_HTTP_SETTINGS: HttpSettings = {
  requireIfMatch: false,
  corsOrigins: [],
  requestsPerMinute: 6000,
  logInsPerMinute: 10,
  publicUrl: null,
  logsClientAddress: true,
  requestTimeoutMs: 60_000,
};

export const DEFAULT_REGISTRATION: Registration = "open";
export const DEFAULT_SESSION_IDLE_DAYS = 30;

export const DEFAULT_CONNECT_TIMEOUT_MS = 5000;
export const DEFAULT_LOCK_TIMEOUT_MS = 10_000;
export const DEFAULT_STATEMENT_TIMEOUT_MS = 30_000;
export const DEFAULT_ACCOUNT_QUOTA_MIB = 1024;
export const MIB = 1_048_576;
export const DAY_MS = 86_400_000;
