import type { Log } from "../application/ports/log.ts";
import type { Tracing } from "../infrastructure/tracing/open-telemetry.ts";
import { wantsTraces } from "../infrastructure/tracing/tracing-variables.ts";
import type { RequestObserver } from "../interfaces/http/middleware/request-metrics.ts";
import type { LoadShedding } from "../interfaces/node/load-shedding.ts";
import type { BackgroundWork } from "./background/background-work.ts";
import type { Config } from "./config.ts";
import type { MetricsServer } from "./metrics.ts";
import type { OpenedStorage } from "./open-storage.ts";
import { VERSION } from "./version.ts";

export interface MetricsSources {
  readonly storage: OpenedStorage;
  readonly shedding: LoadShedding;
  readonly work: BackgroundWork;
  readonly lastProvenBackup: () => Promise<Date | null>;
}

/** The metrics, if the configuration has a port for them. Otherwise nothing of them is loaded. */
export async function openMetrics(
  { metrics, database }: Config,
  { storage, shedding, work, lastProvenBackup }: MetricsSources,
  log: Log,
) {
  if (metrics === null) return null;
  const { metricsServer } = await import("./metrics.ts");
  const takeSnapshot = async () => ({
    storage: await storage.statistics(),
    refused: shedding.refused(),
    lastProvenBackup: await lastProvenBackup(),
    indexing: work.indexingBacklog(),
  });
  const kind = database === null ? "embedded" : "server";
  return metricsServer(metrics, { version: VERSION, storage: kind, takeSnapshot }, log);
}

/** The traces, if the environment asks for them. Otherwise nothing of them is loaded. */
export async function openTracing(log: Log): Promise<Tracing | null> {
  if (!wantsTraces(process.env)) return null;
  const { openTelemetry } = await import("../infrastructure/tracing/open-telemetry.ts");
  return openTelemetry(VERSION, log);
}

export function observers(metrics: MetricsServer | null, tracing: Tracing | null) {
  if (metrics === null && tracing === null) return {};
  const observeRequest: RequestObserver = (request) => {
    metrics?.observeRequest(request);
    tracing?.noteRoute(request);
  };
  return tracing === null ? { observeRequest } : { observeRequest, traceCalls: tracing.traceCalls };
}
