import { err, ok, safeTry, type Result } from "neverthrow";
import type { CommandLineInvalid } from "./command-failure.ts";
import { moveProgress, type MoveProgress } from "./move-progress.ts";
import type { ComparedTable } from "./table-lines.ts";
import type { InputRefused, Terminal } from "./terminal.ts";

/** The two databases of a move: each a data directory, or the URL of a PostgreSQL server. */
export interface MoveLocations {
  readonly from: string;
  readonly to: string;
}

export interface MoveDependencies<Failure> {
  readonly terminal: Terminal;
  /** The endpoints that the environment names. */
  readonly moveLocations: () => Result<Partial<MoveLocations>, Failure>;
  /** Copies everything from one database to the other, and verifies that both are identical. */
  readonly moveDatabase: (
    locations: MoveLocations,
    onProgress: (progress: MoveProgress) => void,
  ) => Promise<Result<readonly ComparedTable[], Failure>>;
}

/** An endpoint from a line of standard input. */
const FROM_INPUT = "-";

/** Moves one database to another. The options, the environment or standard input name the two. */
export async function move<Failure>(
  { terminal, moveLocations, moveDatabase }: MoveDependencies<Failure>,
  options: Partial<MoveLocations>,
): Promise<Result<readonly ComparedTable[], Failure | CommandLineInvalid | InputRefused>> {
  return safeTry(async function* () {
    const environment = yield* moveLocations();
    const locations = yield* await readLocations(terminal, { ...environment, ...options });
    const progress = moveProgress(terminal.progress);
    const moved = await moveDatabase(locations, progress.show);
    progress.end();
    return moved;
  });
}

async function readLocations(
  terminal: Terminal,
  { from = "", to = "" }: Partial<MoveLocations>,
): Promise<Result<MoveLocations, CommandLineInvalid | InputRefused>> {
  const locations = { from, to };
  const missing = Object.entries(locations).find(([, location]) => location === "")?.[0];
  if (missing !== undefined)
    return invalid(`--${missing} is missing, and QUIRE_MOVE_${missing.toUpperCase()} is not set`);
  const fromInput = Object.values(locations).filter((location) => location === FROM_INPUT).length;
  if (fromInput === 0) return ok(locations);
  const input = await terminal.readInput();
  if (input.isErr()) return err(input.error);
  const lines = input.value.split(/\r?\n/).filter((line) => line.trim() !== "");
  if (lines.length !== fromInput) {
    return invalid(`standard input has ${lines.length} lines, but ${fromInput} are expected: one for each -`);
  }
  const next = (location: string) => (location === FROM_INPUT ? (lines.shift() ?? "").trim() : location);
  return ok({ from: next(from), to: next(to) });
}

function invalid(detail: string): Result<never, CommandLineInvalid> {
  return err({ kind: "command_line_invalid", detail: `error: ${detail}` });
}
