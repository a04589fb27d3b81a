import { probeHost } from "./probe-host.ts";
import { isConnectionError } from "./connection-error.ts";
import { SUSPICIOUS_SILENCE_MS, type HostHealth } from "./connection-watchdog.ts";
import type { ConnectToServer, ServerConnection } from "./connection.ts";
import type { ServerHost, ServerUrl } from "./server-url.ts";

/** The time limit of a host on a new connection. Together with the silence before the check, it is far below 10 s. */
const CHECK_TIMEOUT_MS = 2500;

/**
 * Checks with a new connection whether a host answers, and which of the given backends are abandoned. A pooler reports its own
 * process ids, so behind a pooler no backend is reported as abandoned.
 */
export async function checkHostHealth(
  server: ServerUrl,
  address: ServerHost,
  backends: readonly number[],
  connect: ConnectToServer,
): Promise<HostHealth> {
  const pids = `array[${backends.join(", ")}]::int[]`;
  const statement = `select pg_backend_pid()::text, string_agg(given.pid::text, ' ')
    from unnest(${pids}) as given (pid) left join pg_stat_activity as activity on activity.pid = given.pid
    where activity.pid is null or (activity.state like 'idle%'
      and clock_timestamp() - activity.state_change > interval '${SUSPICIOUS_SILENCE_MS} ms')`;
  let connection: ServerConnection | undefined;
  try {
    // The check accepts a server of any role, because only host selection requires one.
    const { rows, backend } = await probeHost(
      { ...server, sessionAttributes: null },
      address,
      statement,
      CHECK_TIMEOUT_MS,
      connect,
      (opened) => void (connection = opened),
    );
    const [own, abandoned] = rows[0] ?? [];
    const isPooled = Number(own) !== backend;
    return { kind: "reachable", abandoned: isPooled ? [] : (abandoned ?? "").split(" ").map(Number) };
  } catch (cause) {
    // A pooler may queue the statement, and a server may be slow. Both have sent something, so the host is reachable.
    const isUnreachable = isConnectionError(cause) && connection?.hasAnswered() !== true;
    return isUnreachable ? { kind: "unreachable", cause } : { kind: "reachable", abandoned: [] };
  }
}
