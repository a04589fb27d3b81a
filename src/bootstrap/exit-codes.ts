/** What the process exits with: the numbers of BSD's sysexits(3), so that a supervisor can tell them apart. */
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
  /** As a shell shows a process that SIGINT has ended: 128 and the signal's number. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
