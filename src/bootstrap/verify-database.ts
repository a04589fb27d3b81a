import { resolve } from "node:path";
import { err } from "neverthrow";
import { fail } from "../domain/shared/fail.ts";
import { requireDatabase } from "../infrastructure/pglite/directory/require-database.ts";
import { verify } from "../infrastructure/pglite/verification/verify.ts";
import type { VerifyDependencies } from "../interfaces/cli/verify.ts";
import { lowerPriority, stopSignal } from "./command-process.ts";
import { loadConfig } from "./config.ts";
import { describeDamage } from "./failure-details.ts";
import type { ProcessFailure } from "./process-failure.ts";

export const verifyDatabase: VerifyDependencies<ProcessFailure>["verifyDatabase"] = async (onProgress) => {
  const config = loadConfig();
  if (config.isErr()) return err(config.error);
  const { database, dataDirectory, freeSpaceBytes } = config.value;
  if (database !== null)
    return fail({ kind: "done_by_server_tools", task: "verification", location: database.server.location });
  const found = requireDatabase(dataDirectory);
  if (found.isErr()) return err(found.error);
  lowerPriority();
  return verify({
    directory: resolve(dataDirectory),
    freeSpaceBytes,
    signal: stopSignal().signal,
    onProgress,
    onCheck: (check, number, total) => onProgress({ step: "verify", check, number, total }),
    describeDamage,
  });
};
