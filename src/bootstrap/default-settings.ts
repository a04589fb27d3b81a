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
