import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import type { EngineStatistics } from "../storage/storage-statistics.ts";
import type { CommitStatistics } from "./client/group-commit.ts";
import type { Supervisor } from "./client/supervisor.ts";
import type { Upkeep } from "./client/upkeep.ts";
import type { DiskSpace } from "./directory/disk-space.ts";
import { CLUSTER } from "./directory/layout.ts";

interface EngineParts {
  readonly directory: string;
  readonly supervisor: Supervisor;
  readonly commits: CommitStatistics;
  readonly upkeep: Upkeep;
  readonly space: DiskSpace;
}

export async function engineStatistics({
  directory,
  supervisor,
  commits,
  upkeep,
  space,
}: EngineParts): Promise<EngineStatistics> {
  return {
    ...supervisor.statistics(),
    isServing: supervisor.isServing(),
    commits: { ...commits },
    checkpoints: upkeep.checkpoints(),
    walPosition: supervisor.position(),
    walBytes: await walBytes(directory),
    freeBytes: space.freeBytes(),
  };
}

/** The size of the write-ahead log. A segment may be removed meanwhile. */
async function walBytes(directory: string): Promise<number> {
  const folder = join(directory, CLUSTER, "pg_wal");
  const sizes = (await readdir(folder)).map(async (name) =>
    stat(join(folder, name)).then(
      (found) => (found.isFile() ? found.size : 0),
      () => 0,
    ),
  );
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}
