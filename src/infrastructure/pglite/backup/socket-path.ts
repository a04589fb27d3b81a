import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { BACKUP_SOCKET } from "../directory/layout.ts";

/** The path of a socket, which must stay open until the socket is bound or connected. */
export interface SocketPath {
  readonly path: string;
  close(): void;
}

/** The shortest `sun_path` has 104 bytes (macOS), with a zero at its end. */
const MAX_PATH_BYTES = 103;

/**
 * The path of the socket in a data directory. The path of a socket has a length limit, so a longer one leads through a
 * descriptor of the directory, which only Linux has. Throws the operating system's error.
 */
export function socketPath(directory: string): SocketPath {
  const path = join(directory, BACKUP_SOCKET);
  if (Buffer.byteLength(path) <= MAX_PATH_BYTES || process.platform !== "linux") return { path, close: () => {} };
  const descriptor = openSync(directory, "r");
  return {
    path: `/proc/self/fd/${descriptor}/${BACKUP_SOCKET}`,
    close: () => closeSync(descriptor),
  };
}
