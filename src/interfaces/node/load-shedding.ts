import type { Log } from "../../application/ports/log.ts";
import type { Load } from "../http/load.ts";

const LOG_INTERVAL_MS = 60_000;
/** Readiness is asked every few seconds; load that is shed between two questions must be seen. */
const SHOWN_MS = 10_000;

export interface LoadShedding {
  /** Says that a request was refused: because of all load, or because of the load of its own address. */
  readonly note: (reason: "server" | "address") => void;
  /** Whether requests were refused in the last ten seconds because of all load. */
  readonly load: () => Load;
}

/** Knows whether load is shed, and logs it at most once a minute: a line for each refusal would be load as well. */
export function loadShedding(log: Log): LoadShedding {
  let refused = { server: 0, address: 0 };
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
      if (reason === "server") lastRefusedMs = performance.now();
      if (isLogDue) logRefused();
    },
    load: () => (performance.now() - lastRefusedMs < SHOWN_MS ? "shedding" : "normal"),
  };
}
