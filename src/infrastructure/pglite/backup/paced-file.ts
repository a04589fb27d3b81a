import { open } from "node:fs/promises";
import type { Pause } from "./pause.ts";

/** A file that is written with pauses. */
export interface PacedFile {
  write(bytes: Uint8Array): Promise<void>;
  close(): Promise<void>;
  /** Flushes all of the file, so that it survives a power cut. */
  flush(): Promise<void>;
  /** Closes the file after a failure. */
  abandon(): Promise<void>;
}

/**
 * The bytes that are written before a flush. Without it, the operating system collects gigabytes, and the next flush of
 * another file on the disk, such as the server's write-ahead log, waits for all of them.
 */
const FLUSH_BYTES = 1_048_576;

/**
 * Creates a file that must not exist. Throws the operating system's error.
 *
 * @param pause Called after each flush with its duration.
 */
export async function createPacedFile(path: string, pause: Pause): Promise<PacedFile> {
  const file = await open(path, "wx", 0o600);
  let unflushed = 0;
  return {
    write: async (bytes) => {
      for (let at = 0; at < bytes.length;) at += (await file.write(bytes, at)).bytesWritten;
      unflushed += bytes.length;
      if (unflushed < FLUSH_BYTES) return;
      unflushed = 0;
      const startedAt = performance.now();
      await file.datasync();
      await pause(performance.now() - startedAt);
    },
    flush: async () => file.sync(),
    close: async () => file.close(),
    abandon: async () => file.close().catch(() => {}),
  };
}
