import * as z from "zod";
import type { HttpSettings } from "../../interfaces/http/settings.ts";
import { DEFAULT_HTTP_SETTINGS } from "../default-settings.ts";
import { onOrOff, origins, proxies, publicUrl, SECOND_MS, trueOrFalse, wholeNumber } from "./variable-values.ts";

const DEFAULT_HOST = "127.0.0.1";
const DEFAULT_PORT = 3000;
/** Proxies keep a connection for 60 s (nginx, AWS) and must be the first to close it, or a request meets the close (502). */
const DEFAULT_KEEP_ALIVE_SECONDS = 72;

export interface ServerConfig {
  readonly host: string;
  readonly port: number;
  readonly http: HttpSettings;
  /** How long an idle connection is kept open. */
  readonly keepAliveMs: number;
  /** The proxies whose X-Forwarded-For is trusted: addresses, and networks in CIDR notation. */
  readonly trustedProxies: readonly string[];
}

export const HttpVariables = z.object({
  HOST: z.string().default(DEFAULT_HOST),
  PORT: wholeNumber(0, 65_535).default(DEFAULT_PORT),
  QUIRE_REQUIRE_IF_MATCH: trueOrFalse.default(DEFAULT_HTTP_SETTINGS.requireIfMatch),
  QUIRE_CORS_ORIGINS: origins.default([...DEFAULT_HTTP_SETTINGS.corsOrigins]),
  QUIRE_PUBLIC_URL: publicUrl.optional(),
  QUIRE_RATE_LIMIT_PER_MINUTE: wholeNumber(0, 1_000_000).default(DEFAULT_HTTP_SETTINGS.requestsPerMinute),
  QUIRE_LOGIN_LIMIT_PER_MINUTE: wholeNumber(0, 100_000).default(DEFAULT_HTTP_SETTINGS.logInsPerMinute),
  QUIRE_REQUEST_TIMEOUT_MS: wholeNumber(100, 3_600_000).default(DEFAULT_HTTP_SETTINGS.requestTimeoutMs),
  QUIRE_KEEP_ALIVE_SECONDS: wholeNumber(1, 3600).default(DEFAULT_KEEP_ALIVE_SECONDS),
  QUIRE_TRUSTED_PROXIES: proxies.default([]),
  QUIRE_LOG_CLIENT_ADDRESS: onOrOff.default(DEFAULT_HTTP_SETTINGS.logsClientAddress),
});

export function serverConfig(variables: z.infer<typeof HttpVariables>): ServerConfig {
  return {
    host: variables.HOST,
    port: variables.PORT,
    http: {
      requireIfMatch: variables.QUIRE_REQUIRE_IF_MATCH,
      corsOrigins: variables.QUIRE_CORS_ORIGINS,
      requestsPerMinute: variables.QUIRE_RATE_LIMIT_PER_MINUTE,
      logInsPerMinute: variables.QUIRE_LOGIN_LIMIT_PER_MINUTE,
      logsClientAddress: variables.QUIRE_LOG_CLIENT_ADDRESS,
      requestTimeoutMs: variables.QUIRE_REQUEST_TIMEOUT_MS,
      publicUrl: variables.QUIRE_PUBLIC_URL ?? DEFAULT_HTTP_SETTINGS.publicUrl,
    },
    keepAliveMs: variables.QUIRE_KEEP_ALIVE_SECONDS * SECOND_MS,
    trustedProxies: variables.QUIRE_TRUSTED_PROXIES,
  };
}
