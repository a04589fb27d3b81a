import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { err, ok, type Result } from "neverthrow";
import { fail } from "../../../domain/shared/fail.ts";
import type { DataDirectoryUnusable } from "./claim.ts";
import { recogniseDirectory, type DataDirectoryForeign } from "./recognise.ts";

/** The location holds no database of Quire. None was created. */
export interface NoDatabase {
  readonly kind: "no_database";
  readonly location: string;
}

/** Checks that a data directory holds a database. It writes nothing. Fails with `no_database`. */
export function requireDatabase(path: string): Result<void, NoDatabase | DataDirectoryForeign | DataDirectoryUnusable> {
  const directory = resolve(path);
  try {
    const recognised = existsSync(directory) ? recogniseDirectory(directory) : ok("new");
    if (recognised.isErr()) return err(recognised.error);
    return recognised.value === "used" ? ok() : fail({ kind: "no_database", location: directory });
  } catch (cause) {
    return fail({ kind: "data_directory_unusable", directory, cause });
  }
}
