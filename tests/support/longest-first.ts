import { BaseSequencer, type TestSpecification } from "vitest/node";

/** The projects in the order of the time of their files. Files of one project are adjacent, so that workers can share modules. */
const PROJECTS = ["operations", "faults", "packages", "process", "infrastructure", "variants", "contract", "unit"];

/** The files that take longest, the longest first. */
const LONGEST_FILES = [
  "infrastructure/upgrade",
  "infrastructure/backup",
  "faults/kill",
  "faults/backup",
  "faults/disk-full",
  "faults/injected",
  "process/examples/sqlite-storage",
  "process/package/edge-contract",
  "process/transcripts",
  "process/server",
  "process/command-line",
  "contract/ports/storage-pglite",
  "contract/ports/storage-postgresql",
  "infrastructure/search-index",
  "infrastructure/write-ahead-log",
  "infrastructure/search-plans",
  "infrastructure/data-directory",
  "contract/http/http-rules-memory",
].map((name) => `/tests/${name}.test.ts`);

/**
 * Starts the longest test files first, so that at the end no worker runs a long file alone. Without durations of an
 * earlier run, the default order is by the size of the files, and the files that run a whole contract have three lines.
 */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    // oxlint-disable-next-line unicorn/no-array-sort -- This is the method of the sequencer, not of an array.
    const sorted = await super.sort(files);
    return sorted.toSorted((a, b) => projectRank(a) - projectRank(b) || fileRank(a) - fileRank(b));
  }
}

function projectRank({ project }: TestSpecification): number {
  return PROJECTS.indexOf(project.name);
}

function fileRank({ moduleId }: TestSpecification): number {
  const index = LONGEST_FILES.findIndex((name) => moduleId.endsWith(name));
  return index === -1 ? LONGEST_FILES.length : index;
}
