import { describeError } from "../infrastructure/node/describe-error.ts";
import type { CompactionCancelled } from "../infrastructure/pglite/compaction.ts";
import { POSTGRESQL_MAJOR } from "../infrastructure/pglite/directory/format.ts";
import type { UpgradeDiffers } from "../infrastructure/pglite/upgrade/load.ts";
import type { OldPackageUnavailable, OldPackageWrong } from "../infrastructure/pglite/upgrade/old-package.ts";
import { OLD_RELEASES, PGLITE } from "../infrastructure/pglite/upgrade/old-releases.ts";
import type {
  OldDatabaseKept,
  UpgradeInterrupted,
  UpgradeUnsupported,
} from "../infrastructure/pglite/upgrade/upgrade.ts";
import type { VerificationInterrupted } from "../infrastructure/pglite/verification/verify.ts";
import type { DamageFound } from "../interfaces/cli/verify.ts";
import { EXIT } from "./exit-codes.ts";
import type { ExplanationsOf } from "./explanation.ts";

/** The database is on a PostgreSQL server, which has its own tools. */
export interface DoneByServerTools {
  readonly kind: "done_by_server_tools";
  readonly task: "verification" | "compaction" | "upgrade";
  readonly location: string;
}

const SERVER_TOOLS = {
  verification: 'pg_amcheck --heapallindexed --install-missing "$DATABASE_URL"',
  compaction: 'vacuumdb --full --analyze "$DATABASE_URL"',
  upgrade: "pg_upgrade --old-datadir=<old> --new-datadir=<new> --old-bindir=<old> --new-bindir=<new>",
};

/** The operator has stopped it. The posts that were indexed are stored, and the others keep their old terms. */
export interface ReindexCancelled {
  readonly kind: "reindex_cancelled";
  readonly posts: number;
}

type UpgradeFailure =
  UpgradeUnsupported | OldDatabaseKept | OldPackageUnavailable | OldPackageWrong | UpgradeDiffers | UpgradeInterrupted;

/** The exit codes and texts of `quire verify`, `quire compact`, `quire reindex` and `quire upgrade`. */
export const MAINTENANCE_EXPLANATIONS: ExplanationsOf<
  VerificationInterrupted | CompactionCancelled | ReindexCancelled | DoneByServerTools | DamageFound | UpgradeFailure
> = {
  verification_interrupted: ({ directory, isCancelled, cause }) =>
    isCancelled
      ? [EXIT.interrupted, "Cancelled. Nothing was verified, and nothing was changed."]
      : [EXIT.io, `The verification of ${directory} failed: ${describeError(cause)}. Nothing was changed.`],
  compaction_cancelled: ({ done, total }) => [
    EXIT.interrupted,
    `Cancelled after ${done} of ${total} tables. Nothing is lost; run it again to continue.`,
  ],
  reindex_cancelled: ({ posts }) => [
    EXIT.interrupted,
    `Cancelled after ${posts.toLocaleString("en")} posts. The others are found as before; run it again to index all posts.`,
  ],
  done_by_server_tools: ({ task, location }) => [
    EXIT.usage,
    `The database is on a PostgreSQL server (${location}), which has its own tool for ${task === "upgrade" ? "an" : "a"} ${task}. Use:\n  ${SERVER_TOOLS[task]}`,
  ],
  damage_found: ({ directory, checks }) => [
    EXIT.dataError,
    `The data directory ${directory} is damaged: ${checks.join(", ")}. The report above names each fault and what to do. Nothing was changed.`,
  ],
  upgrade_unsupported: ({ directory, format, postgresql }) => [
    EXIT.config,
    `The data directory ${directory} has format ${format} with PostgreSQL ${postgresql}, which this version of Quire cannot upgrade. It upgrades PostgreSQL ${[...OLD_RELEASES.keys()].join(" and ")}. ${needsNewerQuire(postgresql)} Nothing was changed.`,
  ],
  old_database_kept: ({ kept }) => [
    EXIT.cannotCreate,
    `${kept} still has the database from before an earlier upgrade. Delete it or move it to another place, then run the command again. Nothing was changed.`,
  ],
  old_package_unavailable: ({ version, detail }) => [
    EXIT.unavailable,
    `npm cannot install ${PGLITE} ${version}, which reads the data directory: ${detail}. Nothing was changed. On a machine with a network, run: npm install --prefix <directory> ${PGLITE}@${version}\nThen copy that directory to this machine, and run: quire upgrade --pglite <directory>`,
  ],
  old_package_wrong: ({ path, version, found }) => [
    EXIT.config,
    `The directory ${path} of --pglite has ${found ?? "no package"}, and the data directory needs ${PGLITE} ${version}. Nothing was changed. Install it with: npm install --prefix <directory> ${PGLITE}@${version}`,
  ],
  upgrade_differs: ({ table, difference }) => [
    EXIT.dataError,
    difference === "schema"
      ? `The table ${table} is not as the migrations of Quire create it, so it cannot be upgraded. Nothing was changed. If another program has changed the schema, undo that with the older version.`
      : `The rows of ${table} differ after the upgrade, so the new database was removed. The old one is in use and unchanged. Report this as a defect of Quire.`,
  ],
  upgrade_interrupted: ({ directory, isCancelled, cause }) =>
    isCancelled
      ? [EXIT.interrupted, "Cancelled. The old database is unchanged."]
      : [
          EXIT.io,
          `The upgrade of ${directory} failed: ${describeError(cause)}. The old database is unchanged. Run the command again.`,
        ],
};

function needsNewerQuire(postgresql: number): string {
  return postgresql > POSTGRESQL_MAJOR ? `Use a newer version of Quire, with PostgreSQL ${postgresql}.` : "";
}
