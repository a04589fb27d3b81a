import { describe, expect, it } from "vitest";
import type { Snapshot } from "../../../src/infrastructure/metrics/metric-sources.ts";
import { prometheusMetrics } from "../../../src/infrastructure/metrics/prometheus-metrics.ts";
import { newCacheCounts } from "../../../src/infrastructure/storage/cache-counts.ts";
import type { EmbeddedStatistics, ReplicaStatistics } from "../../../src/infrastructure/storage/storage-statistics.ts";

const EMBEDDED: EmbeddedStatistics = {
  kind: "embedded",
  isServing: true,
  restarts: 0,
  queue: { waiting: 0, oldestWaitMs: 0, rejected: {} },
  commits: { groups: 0, statements: 0, ms: 0 },
  fsyncs: { count: 0, ms: 0 },
  checkpoints: { count: 5, failed: 2, ms: 1500 },
  walPosition: 0n,
  walBytes: 0,
  freeBytes: 0,
  caches: newCacheCounts(),
};

const serverWith = (...replicas: ReplicaStatistics[]): Snapshot["storage"] => ({
  kind: "server",
  running: 0,
  poolSize: 10,
  replicas,
});

/** Scrapes once for each snapshot. Returns the samples whose names match. */
async function scrape(names: RegExp, ...snapshots: [Snapshot["storage"], ...Snapshot["storage"][]]) {
  const pending = [...snapshots];
  const metrics = prometheusMetrics({
    version: "1.0.0",
    storage: snapshots[0].kind,
    takeSnapshot: async () => ({
      storage: pending.shift() ?? snapshots[0],
      refused: { server: 0, address: 0 },
      lastProvenBackup: null,
      indexing: null,
    }),
  });
  const texts: string[] = [];
  while (pending.length > 0) texts.push(await metrics.text());
  return texts.map((text) => text.split("\n").filter((line) => names.test(line)));
}

describe("the metrics of a server", () => {
  it("count successful and failed checkpoints apart", async () => {
    expect(await scrape(/^quire_engine_checkpoint/, EMBEDDED)).toEqual([
      [
        'quire_engine_checkpoints_total{outcome="success"} 3',
        'quire_engine_checkpoints_total{outcome="failure"} 2',
        "quire_engine_checkpoint_seconds_total 1.5",
      ],
    ]);
  });

  it("show the total of a counter at every scrape, and not the sum of the scrapes", async () => {
    const [first, second] = await scrape(/^quire_engine_checkpoints_total/, EMBEDDED, EMBEDDED);
    expect(second).toEqual(first);
  });

  it("show no lag of a replica any more once it is unknown", async () => {
    const replica = { location: "postgres://replica/quire", isInRotation: true, lagBytes: 1000 };
    const unknown = { ...replica, isInRotation: false, lagBytes: null };
    const label = '{replica="postgres://replica/quire"}';
    expect(await scrape(/^quire_replica/, serverWith(replica), serverWith(unknown))).toEqual([
      [`quire_replica_in_rotation${label} 1`, `quire_replica_lag_bytes${label} 1000`],
      [`quire_replica_in_rotation${label} 0`],
    ]);
  });
});
