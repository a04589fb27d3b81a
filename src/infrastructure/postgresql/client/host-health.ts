import { probeHost } from "./probe-host.ts";
import { isConnectionError } from "./connection-error.ts";
import { SUSPICIOUS_SILENCE_MS, type HostHealth } from "./connection-watchdog.ts";
import type { ServerConnection } from "./connection.ts";
import type { ServerHost, ServerUrl } from "./server-url.ts";

/** How long a host may take to answer on a new connection, beside the silence before: together far below 10 s. */
const CHECK_TIMEOUT_MS = 2500;

/**
 * Checks by a new connection whether a host answers, and which of some backends work for nobody. Behind a pooler, which
 * names backends of its own, only the first is known.
 */
export async function checkHostHealth(
  server: ServerUrl,
  address: ServerHost,
  backends: readonly number[],
): Promise<HostHealth> {
  const asked = `array[${backends.join(", ")}]::int[]`;
  const question = `select pg_backend_pid()::text, string_agg(asked.pid::text, ' ')
    from unnest(${asked}) as asked (pid) left join pg_stat_activity as activity on activity.pid = asked.pid
    where activity.pid is null or (activity.state like 'idle%'
      and clock_timestamp() - activity.state_change > interval '${SUSPICIOUS_SILENCE_MS} ms')`;
  let connection: ServerConnection | undefined;
  try {
    // Any kind of server will do: what it must be to be taken for writes is another question.
    const { rows, backend } = await probeHost(
      { ...server, sessionAttributes: null },
      address,
      question,
      CHECK_TIMEOUT_MS,
      (opened) => void (connection = opened),
    );
    const [own, abandoned] = rows[0] ?? [];
    const isPooled = Number(own) !== backend;
    return { kind: "reachable", abandoned: isPooled ? [] : (abandoned ?? "").split(" ").map(Number) };
  } catch (cause) {
    // A pooler lets a question wait while all its connections work, and a server may be slow: both have said something.
    const isUnreachable = isConnectionError(cause) && connection?.hasAnswered() !== true;
    return isUnreachable ? { kind: "unreachable", cause } : { kind: "reachable", abandoned: [] };
  }
}
