import { rm, stat, truncate } from "node:fs/promises";
import { join } from "node:path";
import { writeAtomically } from "./atomic-write.ts";
import { RESERVE_FILE } from "./layout.ts";

/** A file that reserves disk space for the engine. It is released in parts when the disk is full. */
export interface SpaceReserve {
  /** The size of the file; 0 without one, for example because it was deleted to free space. */
  bytes(): Promise<number>;
  /** Throws the operating system's error. */
  fill(bytes: number): Promise<void>;
  /** Releases all bytes above this number. Throws the operating system's error. */
  shrinkTo(bytes: number): Promise<void>;
}

const CHUNK = new Uint8Array(1_048_576);

export function spaceReserve(directory: string): SpaceReserve {
  const path = join(directory, RESERVE_FILE);
  const bytes = async () => (await stat(path).catch(() => null))?.size ?? 0;
  return {
    bytes,
    fill: async (size) =>
      writeAtomically(path, async (file) => {
        // Written zeros: a sparse file would reserve no space.
        for (let written = 0; written < size; written += CHUNK.length) await file.writeFile(CHUNK);
      }),
    shrinkTo: async (size) => {
      if (size <= 0) await rm(path, { force: true });
      else if ((await bytes()) > size) await truncate(path, size);
    },
  };
}
