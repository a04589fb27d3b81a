import * as z from "zod";
import { wholeNumber } from "./variable-values.ts";

/** Metrics show routes and load, so they are visible to this machine only. */
const DEFAULT_METRICS_HOST = "127.0.0.1";

export interface MetricsConfig {
  readonly host: string;
  readonly port: number;
}

/** Kubernetes sets the variable to a URL in every container beside a service named `quire-metrics`. */
const SERVICE_URL = /^tcp:\/\//;
const unlessServiceUrl = (raw: unknown) => (typeof raw === "string" && SERVICE_URL.test(raw) ? undefined : raw);

export const MetricsVariables = z.object({
  QUIRE_METRICS_PORT: z.preprocess(unlessServiceUrl, wholeNumber(0, 65_535).optional()),
  QUIRE_METRICS_HOST: z.string().default(DEFAULT_METRICS_HOST),
});

/** `null` without a port: then nothing of the metrics is loaded. */
export function metricsConfig(variables: z.infer<typeof MetricsVariables>): MetricsConfig | null {
  const { QUIRE_METRICS_PORT: port, QUIRE_METRICS_HOST: host } = variables;
  return port === undefined ? null : { host, port };
}
