import { err, ok, type Result } from "neverthrow";
import type { Log } from "../../application/ports/log.ts";
import { loadConfig } from "../../bootstrap/config.ts";
import type { TransferEndpoint } from "../../infrastructure/transfer/endpoint.ts";
import { transfer, type TransferredRows } from "../../infrastructure/transfer/transfer.ts";
import { pinoLog } from "../../infrastructure/node/pino-log.ts";
import { moveProgress } from "./move-progress.ts";
import { openTransferEndpoint } from "../../bootstrap/open-storage.ts";
import type { ProcessFailure } from "../../bootstrap/process-failure.ts";
import { readStandardInput, type InputRefused } from "./standard-input.ts";

export interface MoveOptions {
  readonly from?: string;
  readonly to?: string;
}

/** A place that a line of standard input names. */
const FROM_INPUT = "-";

/** Moves one database to another, as the options, the environment or standard input name them. */
export async function moveDatabase(
  options: MoveOptions,
  refuse: (detail: string) => never,
): Promise<Result<readonly TransferredRows[], ProcessFailure | InputRefused>> {
  // The env file may name the places, so it is read first.
  const config = loadConfig(serverLeftOut);
  if (config.isErr()) return err(config.error);
  const places = await readPlaces(options, refuse);
  if (places.isErr()) return err(places.error);
  const log = pinoLog("warn");
  const source = await openPlace("from", places.value.from, log);
  if (source.isErr()) return err(source.error);
  const target = await openPlace("to", places.value.to, log);
  if (target.isErr()) {
    await source.value.close();
    return err(target.error);
  }
  const progress = moveProgress(process.stderr);
  const moved = await transfer(source.value, target.value, progress.show);
  progress.end();
  await source.value.close();
  await target.value.close();
  return moved;
}

/** The server's own database is none of the two. */
const serverLeftOut = { DATABASE_URL: "", DATABASE_MIGRATION_URL: "", DATABASE_REPLICA_URLS: "" };

async function readPlaces({ from, to }: MoveOptions, refuse: (detail: string) => never) {
  const { QUIRE_MOVE_FROM, QUIRE_MOVE_TO } = process.env;
  const places = { from: from ?? QUIRE_MOVE_FROM ?? "", to: to ?? QUIRE_MOVE_TO ?? "" };
  const missing = Object.entries(places).find(([, place]) => place === "")?.[0];
  if (missing !== undefined) refuse(`--${missing} is missing, and QUIRE_MOVE_${missing.toUpperCase()} is not set`);
  const asked = Object.values(places).filter((place) => place === FROM_INPUT).length;
  if (asked === 0) return ok(places);
  const input = await readStandardInput();
  return input.map((text) => {
    const lines = text.split(/\r?\n/).filter((line) => line.trim() !== "");
    if (lines.length !== asked) refuse(`standard input has ${lines.length} lines, and one is read for each -`);
    const next = (place: string) => (place === FROM_INPUT ? (lines.shift() ?? "").trim() : place);
    return { from: next(places.from), to: next(places.to) };
  });
}

async function openPlace(
  end: keyof MoveOptions,
  place: string,
  log: Log,
): Promise<Result<TransferEndpoint, ProcessFailure>> {
  const named = isUrl(place) ? { DATABASE_URL: place } : { QUIRE_DATA_DIR: place };
  const [variable] = Object.keys(named);
  const config = loadConfig({ ...serverLeftOut, ...named }).mapErr(({ kind, problems }) => ({
    kind,
    problems: problems.map((each) => (each.variable === variable ? { ...each, variable: `--${end}` } : each)),
  }));
  return config.isErr()
    ? err(config.error)
    : openTransferEndpoint(config.value, log, end === "to" ? "allowed" : "refused");
}

/**
 * What looks like a URL is one, with whatever mistake in it, and no directory: it may hold a password, which must not be
 * shown as a path is. A directory with such a name can be given as `./a:b`.
 */
function isUrl(place: string): boolean {
  return /^[a-z][a-z\d+.-]*:/i.test(place);
}
