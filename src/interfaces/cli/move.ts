import { err, ok, safeTry, type Result } from "neverthrow";
import type { CommandLineInvalid } from "./command-failure.ts";
import { moveProgress, type MoveProgress } from "./move-progress.ts";
import type { InputRefused, Terminal } from "./terminal.ts";

/** The two databases of a move: each a data directory, or the URL of a PostgreSQL server. */
export interface MovePlaces {
  readonly from: string;
  readonly to: string;
}

export interface MovedTable {
  readonly table: string;
  readonly rows: number;
  readonly checksum: string;
}

export interface MoveDependencies<Failure> {
  readonly terminal: Terminal;
  /** The endpoints that the environment names. */
  readonly movePlaces: () => Result<Partial<MovePlaces>, Failure>;
  /** Copies everything from one database to the other, and verifies that both are identical. */
  readonly moveDatabase: (
    places: MovePlaces,
    onProgress: (progress: MoveProgress) => void,
  ) => Promise<Result<readonly MovedTable[], Failure>>;
}

/** An endpoint from a line of standard input. */
const FROM_INPUT = "-";

/** Moves one database to another. The options, the environment or standard input name the two. */
export async function move<Failure>(
  { terminal, movePlaces, moveDatabase }: MoveDependencies<Failure>,
  options: Partial<MovePlaces>,
): Promise<Result<readonly MovedTable[], Failure | CommandLineInvalid | InputRefused>> {
  return safeTry(async function* () {
    const environment = yield* movePlaces();
    const places = yield* await readPlaces(terminal, { ...environment, ...options });
    const progress = moveProgress(terminal.progress);
    const moved = await moveDatabase(places, progress.show);
    progress.end();
    return moved;
  });
}

async function readPlaces(
  terminal: Terminal,
  { from = "", to = "" }: Partial<MovePlaces>,
): Promise<Result<MovePlaces, CommandLineInvalid | InputRefused>> {
  const places = { from, to };
  const missing = Object.entries(places).find(([, place]) => place === "")?.[0];
  if (missing !== undefined)
    return invalid(`--${missing} is missing, and QUIRE_MOVE_${missing.toUpperCase()} is not set`);
  const fromInput = Object.values(places).filter((place) => place === FROM_INPUT).length;
  if (fromInput === 0) return ok(places);
  const input = await terminal.readInput();
  if (input.isErr()) return err(input.error);
  const lines = input.value.split(/\r?\n/).filter((line) => line.trim() !== "");
  if (lines.length !== fromInput) {
    return invalid(`standard input has ${lines.length} lines, but ${fromInput} are expected: one for each -`);
  }
  const next = (place: string) => (place === FROM_INPUT ? (lines.shift() ?? "").trim() : place);
  return ok({ from: next(from), to: next(to) });
}

function invalid(detail: string): Result<never, CommandLineInvalid> {
  return err({ kind: "command_line_invalid", detail: `error: ${detail}` });
}
