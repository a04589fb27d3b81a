import { collectDefaultMetrics, Counter, Gauge, Registry } from "prom-client";
import type { StorageStatistics } from "../storage/storage-statistics.ts";
import { METRICS } from "./metric-definitions.ts";
import type { MetricDefinition, Samples, Snapshot } from "./metric-sources.ts";
import { requestHistogram, type ObservedRequest } from "./request-histogram.ts";

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
  const requests = requestHistogram();
  return {
    observeRequest: requests.observe,
    text: async () => {
      const snapshot = await takeSnapshot();
      for (const { definition, show } of shown) show(definition.read(snapshot));
      return `${requests.text()}\n${await registry.metrics()}`;
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
