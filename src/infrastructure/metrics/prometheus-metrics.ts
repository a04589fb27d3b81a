import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";
import type { StorageStatistics } from "../storage/storage-statistics.ts";
import { METRICS } from "./metric-definitions.ts";
import type { MetricDefinition, Samples, Snapshot } from "./metric-sources.ts";

/** From half a millisecond, a read from the cache, to ten seconds. */
const REQUEST_SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export interface ObservedRequest {
  readonly method: string;
  /** The pattern of the path, such as `/v1/posts/:id`. */
  readonly route: string;
  readonly status: number;
  readonly seconds: number;
}

export interface Metrics {
  readonly observeRequest: (request: ObservedRequest) => void;
  /** The metrics in the text format of Prometheus. */
  readonly text: () => Promise<string>;
  readonly contentType: string;
}

export interface MetricsOptions {
  readonly version: string;
  readonly storage: StorageStatistics["kind"];
  readonly takeSnapshot: () => Promise<Snapshot>;
}

/** The metrics of the server, of its storage, and of the Node process. */
export function prometheusMetrics({ version, storage, takeSnapshot }: MetricsOptions): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  showBuild(registry, version);
  const shown = METRICS[storage].map((definition) => ({ definition, show: shownIn(registry, definition) }));
  return {
    observeRequest: requestHistogram(registry),
    text: async () => {
      const snapshot = await takeSnapshot();
      for (const { definition, show } of shown) show(definition.read(snapshot));
      return registry.metrics();
    },
    contentType: registry.contentType,
  };
}

function showBuild(registry: Registry, version: string): void {
  const help = "1, with the version of Quire as a label.";
  new Gauge({ name: "quire_build_info", help, labelNames: ["version"], registers: [registry] }).set({ version }, 1);
}

/** Registers a metric, and returns the function that replaces its samples. */
function shownIn(registry: Registry, { name, help, type, labels = [] }: MetricDefinition) {
  const options = { name, help, labelNames: labels, registers: [registry] };
  if (type === "gauge") {
    const gauge = new Gauge(options);
    return (samples: Samples) => {
      gauge.reset();
      // A gauge without labels would be 0.
      if (samples.length === 0 && labels.length === 0) gauge.remove();
      for (const [of, value] of samples) gauge.set(of, value);
    };
  }
  const counter = new Counter(options);
  return (samples: Samples) => {
    counter.reset();
    for (const [of, total] of samples) counter.inc(of, total);
  };
}

function requestHistogram(registry: Registry): Metrics["observeRequest"] {
  const histogram = new Histogram({
    name: "quire_http_request_duration_seconds",
    help: "Requests and their durations, by method, route and status.",
    labelNames: ["method", "route", "status"],
    buckets: REQUEST_SECONDS,
    registers: [registry],
  });
  // The library hashes the labels at each use otherwise. Routes and status codes bound the number of entries.
  const children = new Map<string, ReturnType<typeof histogram.labels>>();
  return ({ method, route, status, seconds }) => {
    const key = `${method} ${status} ${route}`;
    const child = children.get(key) ?? histogram.labels(method, route, String(status));
    children.set(key, child);
    child.observe(seconds);
  };
}
