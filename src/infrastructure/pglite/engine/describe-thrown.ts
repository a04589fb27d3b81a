const MAX_LENGTH = 500;

/** The errors of WASI's libc by number. Emscripten throws the number when the file system refuses an operation. */
const WASI_ERRORS: Readonly<Record<number, string>> = {
  2: "EACCES: permission denied",
  19: "EDQUOT: disk quota exceeded",
  29: "EIO: i/o error",
  33: "EMFILE: too many open files",
  41: "ENFILE: too many open files in system",
  44: "ENOENT: no such file or directory",
  51: "ENOSPC: no space left on device",
  69: "EROFS: read-only file system",
};

/** Describes an exception of PGlite, Emscripten or Node in one line. */
export function describeThrown(thrown: unknown): string {
  return (messageOf(thrown) ?? String(thrown)).replaceAll(/\s+/g, " ").trim().slice(0, MAX_LENGTH);
}

function messageOf(thrown: unknown): string | null {
  if (typeof thrown !== "object" || thrown === null) return null;
  if ("message" in thrown && typeof thrown.message === "string" && thrown.message !== "") return thrown.message;
  return "errno" in thrown && typeof thrown.errno === "number" ? describeErrno(thrown.errno) : null;
}

/** Describes an error number of WASI's libc. */
export function describeErrno(errno: number): string {
  return WASI_ERRORS[errno] ?? `error ${errno} of the file system`;
}
