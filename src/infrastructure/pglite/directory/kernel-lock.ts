import { tryLock } from "fs-native-extensions";
import { ok, type Result } from "neverthrow";
import { fail } from "../../../domain/shared/fail.ts";
import { runtimeOf, type RuntimeName } from "../../node/runtime.ts";

/** This runtime cannot ask the kernel of this platform for a lock. */
export interface KernelLockUnavailable {
  readonly kind: "kernel_lock_unavailable";
  readonly runtime: RuntimeName;
  readonly platform: NodeJS.Platform;
}

/** Asks the kernel for an exclusive lock on an open file; `false` when another open file description has it. */
export type TryLock = (fileDescriptor: number) => boolean;

/** Calls fcntl(2) with a `struct flock`, which it may write to. Returns 0, or the `errno` of the failure. */
type Fcntl = (fileDescriptor: number, command: number, lock: Uint8Array) => number;

/** The values of Linux: fcntl.h and errno.h. */
const F_OFD_SETLK = 37;
const F_WRLCK = 1;
const EAGAIN = 11;
const LIBC = "libc.so.6";
/** `struct flock` on 64 bits: l_type, l_whence, l_start, l_len, l_pid, each at a multiple of its size. */
const FLOCK_BYTES = 32;

/**
 * The lock of the runtime. `fs-native-extensions` calls functions of libuv that Bun does not have in full and Deno not at all,
 * so both call the same function of libc themselves. The locks exclude each other, whatever runtime has taken them.
 */
export function kernelLock(
  runtime = runtimeOf(process.versions).name,
  platform = process.platform,
): Result<TryLock, KernelLockUnavailable> {
  if (runtime === "Node.js") return ok(tryLock);
  if (platform !== "linux") return fail({ kind: "kernel_lock_unavailable", runtime, platform });
  const fcntl = runtime === "Bun" ? fcntlOfBun() : fcntlOfDeno();
  return ok((fileDescriptor) => {
    const lock = new Uint8Array(FLOCK_BYTES);
    // All other fields are 0: the whole file, from its beginning.
    new Int16Array(lock.buffer)[0] = F_WRLCK;
    const errno = fcntl(fileDescriptor, F_OFD_SETLK, lock);
    if (errno !== 0 && errno !== EAGAIN) throw new Error(`The kernel refuses a lock on the file: errno ${errno}.`);
    return errno === 0;
  });
}

interface Symbols<Pointer> {
  readonly fcntl: Fcntl;
  readonly __errno_location: () => Pointer;
}

/** The parts of `bun:ffi` that the lock needs. */
interface BunFfi {
  readonly dlopen: (library: string, symbols: object) => { readonly symbols: Symbols<number> };
  readonly read: { readonly i32: (pointer: number) => number };
}

function fcntlOfBun(): Fcntl {
  const { dlopen, read } = process.getBuiltinModule("bun:ffi") as unknown as BunFfi;
  const { symbols } = dlopen(LIBC, {
    fcntl: { args: ["i32", "i32", "ptr"], returns: "i32" },
    __errno_location: { args: [], returns: "ptr" },
  });
  return (...args) => (symbols.fcntl(...args) === 0 ? 0 : read.i32(symbols.__errno_location()));
}

/** The parts of the global `Deno` that the lock needs. */
interface DenoFfi {
  readonly dlopen: (library: string, symbols: object) => { readonly symbols: Symbols<object> };
  readonly UnsafePointerView: new (pointer: object) => { readonly getInt32: () => number };
}

function fcntlOfDeno(): Fcntl {
  const { Deno } = globalThis as unknown as { readonly Deno: DenoFfi };
  const { symbols } = Deno.dlopen(LIBC, {
    fcntl: { parameters: ["i32", "i32", "buffer"], result: "i32" },
    __errno_location: { parameters: [], result: "pointer" },
  });
  return (...args) =>
    symbols.fcntl(...args) === 0 ? 0 : new Deno.UnsafePointerView(symbols.__errno_location()).getInt32();
}
