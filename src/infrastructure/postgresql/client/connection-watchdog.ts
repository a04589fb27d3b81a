import type { Log } from "../../../application/ports/log.ts";
import type { ServerConnection } from "./connection.ts";
import { hostAndPort, type ServerHost } from "./server-url.ts";

/** What is known of a host, and of the backends that were asked for. */
export type HostHealth =
  | { readonly kind: "unreachable"; readonly cause: unknown }
  | {
      readonly kind: "reachable";
      /** Those that do not exist, or wait for their client although the client waits for them. */
      readonly abandoned: readonly number[];
    };

export interface WatchdogOptions {
  readonly checkHost: (address: ServerHost, backends: readonly number[]) => Promise<HostHealth>;
  /** After which an answer is not waited for any more; `null` where a statement may take as long as it must. */
  readonly answerTimeoutMs: number | null;
  readonly log: Log;
}

export interface ConnectionWatchdog {
  watch(connection: ServerConnection): void;
  /** Ends the watch and every connection that is still open. */
  close(): void;
}

/** How long a server may owe an answer before it is asked whether it still works on it: rare, and far below 10 s. */
export const SUSPICIOUS_SILENCE_MS = 2000;
/** Also how often a host is asked again, as long as something is owed. */
const TICK_MS = 500;

/**
 * Drops connections on which no answer will come. When a machine vanishes or a firewall forgets a connection, nothing is
 * said: TCP repeats what was sent for a quarter of an hour (tcp_retries2), and its keep-alive does not run meanwhile. Node
 * cannot set TCP_USER_TIMEOUT. So a connection that owes an answer is checked from outside, by a new connection to its
 * host: it is dropped when the host cannot be reached, or when its backend does not work for it any more.
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
    // One that was answered meanwhile is none, even where its backend is idle since then.
    const silent = suspects.filter((suspect) => suspect.silentMs() >= SUSPICIOUS_SILENCE_MS);
    const abandoned = silent.filter((suspect) => health.abandoned.includes(suspect.backend() ?? Number.NaN));
    drop(abandoned, `${host} does not know what is waited for`);
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
