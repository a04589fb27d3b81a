import type { Log } from "../../application/ports/log.ts";
import type { Load } from "../http/load.ts";

const LOG_INTERVAL_MS = 60_000;
/** Readiness is probed every few seconds. Load shedding between two probes must be visible. */
const SHOWN_MS = 10_000;

/** The total load, or the load of one address. */
type RefusalReason = "server" | "address";

export interface LoadShedding {
  /** Counts a refused request. */
  readonly note: (reason: RefusalReason) => void;
  /** Whether requests were refused in the last ten seconds because of the total load. */
  readonly load: () => Load;
  /** The refused requests since the start. */
  readonly refused: () => Readonly<Record<RefusalReason, number>>;
}

/** Records load shedding, and logs it at most once a minute: a line for each refusal would be load too. */
export function loadShedding(log: Log): LoadShedding {
  let refused = { server: 0, address: 0 };
  const total = { server: 0, address: 0 };
  let lastRefusedMs = Number.NEGATIVE_INFINITY;
  let isLogDue = true;

  const logRefused = () => {
    isLogDue = refused.server + refused.address === 0;
    if (isLogDue) return;
    log.warn({ refused: refused.server, refusedByAddress: refused.address }, "load shedding: requests were refused");
    refused = { server: 0, address: 0 };
    setTimeout(logRefused, LOG_INTERVAL_MS).unref();
  };

  return {
    note: (reason) => {
      refused[reason]++;
      total[reason]++;
      if (reason === "server") lastRefusedMs = performance.now();
      if (isLogDue) logRefused();
    },
    load: () => (performance.now() - lastRefusedMs < SHOWN_MS ? "shedding" : "normal"),
    refused: () => ({ ...total }),
  };
}
