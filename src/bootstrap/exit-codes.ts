/** The exit codes of the programs, which follow BSD's sysexits(3), so that a supervisor can distinguish failures. */
export const EXIT = {
  ok: 0,
  usage: 64,
  dataError: 65,
  unavailable: 69,
  software: 70,
  cannotCreate: 73,
  io: 74,
  inUse: 75,
  config: 78,
  /** The exit code that a shell shows after SIGINT: 128 plus the number of the signal. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
