import { err, ok } from "neverthrow";
import type { StorageProbe } from "../../application/ports/storage-probe.ts";
import { fail } from "../../domain/fail.ts";
import type { Database } from "./database.ts";
import { appliedMigrations, pendingMigrations, type Migration } from "./migrations.ts";

export function drizzleStorageProbe(db: Database, shipped: readonly Migration[]): StorageProbe {
  return {
    check: async () => {
      const applied = await appliedMigrations(db);
      if (applied.isErr()) return err(applied.error);
      const pending = pendingMigrations(shipped, applied.value);
      return pending.isOk() && pending.value.length === 0 ? ok() : fail({ kind: "schema_outdated" });
    },
  };
}
