/** An error that carries a SQLSTATE, as PostgreSQL's own do (PostgreSQL 18, Appendix A). */
export interface DriverError extends Error {
  readonly code: string;
}

/** The conditions that an adapter itself reports, with PostgreSQL's codes for them. */
const SQLSTATES = {
  sqlclient_unable_to_establish_sqlconnection: "08001",
  connection_failure: "08006",
  transaction_resolution_unknown: "08007",
  idle_in_transaction_session_timeout: "25P03",
  insufficient_resources: "53000",
  disk_full: "53100",
  configuration_limit_exceeded: "53400",
  query_canceled: "57014",
  admin_shutdown: "57P01",
  system_error: "58000",
  data_corrupted: "XX001",
} as const;

export function driverError(condition: keyof typeof SQLSTATES, message: string): DriverError {
  return Object.assign(new Error(message), { code: SQLSTATES[condition] });
}
