import type { Result } from "neverthrow";
import type { Log } from "../application/ports/log.ts";
import { prometheusMetrics, type Metrics, type MetricsOptions } from "../infrastructure/metrics/prometheus-metrics.ts";
import { listen, type HttpServer, type ListenFailed } from "../interfaces/node/http-server.ts";
import type { MetricsConfig } from "./config/metrics-variables.ts";

/** Scrapers keep few connections. */
const MAX_CONNECTIONS = 16;

export interface MetricsServer extends Pick<Metrics, "observeRequest"> {
  readonly listen: () => Promise<Result<HttpServer, ListenFailed>>;
}

/** The metrics, and the server that shows them at `/metrics` on a port of its own. */
export function metricsServer({ host, port }: MetricsConfig, options: MetricsOptions, log: Log): MetricsServer {
  const { observeRequest, text, contentType } = prometheusMetrics(options);
  const fetch = async ({ method, url }: Request): Promise<Response> => {
    if (new URL(url).pathname !== "/metrics") return new Response("The metrics are at /metrics.\n", { status: 404 });
    if (method !== "GET" && method !== "HEAD")
      return new Response(null, { status: 405, headers: { Allow: "GET, HEAD" } });
    return new Response(await text(), { headers: { "Content-Type": contentType } });
  };
  return { observeRequest, listen: async () => listen({ fetch, host, port, maxConnections: MAX_CONNECTIONS, log }) };
}
