import { statSync } from "node:fs";
import { stat } from "node:fs/promises";
import { isMissingPath } from "../../node/is-missing-path.ts";

/** The data directory was removed or renamed, or its disk was unmounted, while it was in use. */
export interface DataDirectoryGone {
  readonly kind: "data_directory_gone";
  readonly directory: string;
}

export interface RemovalDetector {
  /** Settles when the directory has been removed; never otherwise. */
  readonly gone: Promise<DataDirectoryGone>;
  stop(): void;
}

const INTERVAL_MS = 1000;

/**
 * Detects that a path no longer leads to the directory that was opened. PostgreSQL would continue for a while with its
 * open files, whose data would be lost.
 */
export function detectRemoval(directory: string): RemovalDetector {
  const opened = statSync(directory);
  const isGone = async () => {
    try {
      const { dev, ino } = await stat(directory);
      return dev !== opened.dev || ino !== opened.ino;
    } catch (thrown) {
      // Other errors do not show that the directory was removed: the disk may not answer.
      return isMissingPath(thrown);
    }
  };
  let timer: NodeJS.Timeout | undefined;
  let isChecking = false;
  const gone = new Promise<DataDirectoryGone>((settle) => {
    const look = async () => {
      // On a disk that hangs, only one check is in flight.
      if (isChecking) return;
      isChecking = true;
      if (await isGone()) {
        clearInterval(timer);
        settle({ kind: "data_directory_gone", directory });
      }
      isChecking = false;
    };
    timer = setInterval(() => void look(), INTERVAL_MS).unref();
  });
  return { gone, stop: () => clearInterval(timer) };
}
