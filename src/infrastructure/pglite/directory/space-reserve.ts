import { statSync } from "node:fs";
import { rm, truncate } from "node:fs/promises";
import { join } from "node:path";
import { writeAtomically } from "./atomic-write.ts";
import { RESERVE_FILE } from "./layout.ts";

/** A file that reserves disk space for the engine. It is released in parts when the disk is full. */
export interface SpaceReserve {
  bytes(): number;
  /** Throws the operating system's error. */
  fill(bytes: number): Promise<void>;
  shrinkTo(bytes: number): Promise<void>;
}

const CHUNK = new Uint8Array(1_048_576);

export function spaceReserve(directory: string): SpaceReserve {
  const path = join(directory, RESERVE_FILE);
  let held = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  return {
    bytes: () => held,
    fill: async (bytes) => {
      await writeAtomically(path, async (file) => {
        // Written zeros: a sparse file would reserve no space.
        for (let written = 0; written < bytes; written += CHUNK.length) await file.writeFile(CHUNK);
      });
      held = bytes;
    },
    shrinkTo: async (bytes) => {
      if (bytes > 0) await truncate(path, bytes);
      else await rm(path, { force: true });
      held = Math.max(0, bytes);
    },
  };
}
