import { statSync } from "node:fs";

/** The data directory was removed or renamed, or its disk was unmounted, while it was in use. */
export interface DataDirectoryGone {
  readonly kind: "data_directory_gone";
  readonly directory: string;
}

export interface DirectoryWatch {
  /** Settles when the directory is gone; never otherwise. */
  readonly gone: Promise<DataDirectoryGone>;
  stop(): void;
}

const INTERVAL_MS = 1000;

/**
 * Notices when a directory is no longer the one that was opened. Its open files outlast it, so PostgreSQL would go on for
 * a while, with files that nobody finds again.
 */
export function watchDirectory(directory: string): DirectoryWatch {
  const { dev, ino } = statSync(directory);
  const isGone = () => {
    try {
      const now = statSync(directory);
      return now.dev !== dev || now.ino !== ino;
    } catch (thrown) {
      // Of a disk that does not answer nothing is known.
      return (thrown as NodeJS.ErrnoException).code === "ENOENT";
    }
  };
  let timer: NodeJS.Timeout | undefined;
  const gone = new Promise<DataDirectoryGone>((settle) => {
    timer = setInterval(() => {
      if (!isGone()) return;
      clearInterval(timer);
      settle({ kind: "data_directory_gone", directory });
    }, INTERVAL_MS).unref();
  });
  return { gone, stop: () => clearInterval(timer) };
}
