import type { Log } from "../../../application/ports/log.ts";
import type { ServerConnection } from "./connection.ts";
import { hostAndPort, type ServerHost } from "./server-url.ts";

/** The result of the check of a host: whether it answers, and which of the given backends are abandoned. */
export type HostHealth =
  | { readonly kind: "unreachable"; readonly cause: unknown }
  | {
      readonly kind: "reachable";
      /** Backends that do not exist, or that wait for a client that in turn waits for them. */
      readonly abandoned: readonly number[];
    };

export interface WatchdogOptions {
  readonly checkHost: (address: ServerHost, backends: readonly number[]) => Promise<HostHealth>;
  /** The time limit of an answer; `null` for no limit. */
  readonly answerTimeoutMs: number | null;
  readonly log: Log;
}

export interface ConnectionWatchdog {
  watch(connection: ServerConnection): void;
  /** Ends the watch and every connection that is still open. */
  close(): void;
}

/** A connection that has owed an answer for this long is checked. It is rare in normal work, and far below 10 s. */
export const SUSPICIOUS_SILENCE_MS = 2000;
/** The interval at which the watchdog looks for silent connections. */
const TICK_MS = 500;

/**
 * A watchdog that drops dead connections. When a machine vanishes or a firewall drops a connection, no packet reports it:
 * TCP retransmits for a quarter of an hour (tcp_retries2), keep-alive does not run during that time, and Node cannot set
 * TCP_USER_TIMEOUT. So the watchdog checks a silent connection by a new connection to its host. It drops the connection
 * when the host cannot be reached, or when its backend no longer works for it.
 */
export function connectionWatchdog({ checkHost, answerTimeoutMs, log }: WatchdogOptions): ConnectionWatchdog {
  const connections = new Set<ServerConnection>();
  const checking = new Set<string>();
  let ticking: NodeJS.Timeout | undefined;

  const drop = (dropped: readonly ServerConnection[], reason: string, cause: unknown = null) => {
    if (dropped.length === 0) return;
    log.warn({ connections: dropped.length, cause }, `connections dropped: ${reason}`);
    for (const connection of dropped) connection.destroy(`The connection was dropped: ${reason}.`);
  };

  const check = async (host: string, suspects: readonly ServerConnection[]) => {
    const [{ address }] = suspects as [ServerConnection];
    const backends = suspects.map((suspect) => suspect.backend()).filter((backend) => backend !== null);
    const health = await checkHost(address, backends);
    if (health.kind === "unreachable") {
      const all = [...connections].filter((connection) => hostOf(connection) === host);
      drop(all, `${host} does not answer`, health.cause);
      return;
    }
    // A connection that got its answer during the check is healthy, although its backend is idle.
    const silent = suspects.filter((suspect) => suspect.silentMs() >= SUSPICIOUS_SILENCE_MS);
    const abandoned = silent.filter((suspect) => health.abandoned.includes(suspect.backend() ?? Number.NaN));
    drop(abandoned, `${host} does not work on their statements`);
  };

  const tick = () => {
    const suspects = [...connections].filter((connection) => connection.silentMs() >= SUSPICIOUS_SILENCE_MS);
    const isLate = (suspect: ServerConnection) => answerTimeoutMs !== null && suspect.silentMs() >= answerTimeoutMs;
    drop(suspects.filter(isLate), `no answer in ${answerTimeoutMs} ms`);
    const others = suspects.filter((suspect) => !isLate(suspect));
    for (const host of new Set(others.map(hostOf))) {
      if (checking.has(host)) continue;
      checking.add(host);
      const checked = check(
        host,
        others.filter((suspect) => hostOf(suspect) === host),
      );
      void checked.finally(() => setTimeout(() => checking.delete(host), SUSPICIOUS_SILENCE_MS).unref());
    }
  };

  return {
    watch: (connection) => {
      connections.add(connection);
      connection.socket.once("close", () => connections.delete(connection));
      ticking ??= setInterval(tick, TICK_MS).unref();
    },
    close: () => {
      clearInterval(ticking);
      for (const connection of connections) connection.destroy("The connection was closed.");
    },
  };
}

function hostOf({ address }: ServerConnection): string {
  return hostAndPort(address);
}
