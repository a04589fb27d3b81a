"use strict";

/**
 * Loaded with `node --require` before the server: makes the file system of the engine's thread fail on command. The
 * command is a JSON file that the environment variable FAULT_FILE names; without that file nothing fails. It says
 *
 * - `on`: the operation that fails, `fsync`, `open`, `read` or `write`;
 * - `path`: what the file's path must contain;
 * - `what`: `hang`, `heap`, or the errno that the operation ends with, such as `EIO`;
 * - `once`: whether the file is removed when it takes effect; otherwise it stays in effect.
 *
 * Nothing outside a Worker fails, so the main thread, which serves HTTP and supervises, is as it is in production.
 */
const fs = require("node:fs");
const { syncBuiltinESMExports } = require("node:module");
const { constants } = require("node:os");
const { isMainThread } = require("node:worker_threads");

const COMMAND_FILE = process.env.FAULT_FILE;
if (!isMainThread && COMMAND_FILE !== undefined) inject(COMMAND_FILE);

function inject(commandFile) {
  const { fsyncSync, openSync, readFileSync, readSync, rmSync, statSync, writeFileSync, writeSync } = fs;
  /** The path of each open file, by its descriptor. */
  const paths = new Map();

  /** Fails or does not come back when an operation on a file is what the command names. */
  const fail = (operation, file) => {
    if (statSync(commandFile, { throwIfNoEntry: false }) === undefined) return;
    const { on, path, what, once } = JSON.parse(readFileSync(commandFile, "utf8"));
    if (on !== operation || !file.includes(path)) return;
    if (once) rmSync(commandFile);
    // As PGlite does after a PANIC: it spins.
    if (what === "hang") for (;;);
    if (what === "heap") exhaustHeap();
    const message = `${what}: injected, ${operation}`;
    throw Object.assign(new Error(message), { code: what, errno: -constants.errno[what], syscall: operation });
  };

  fs.openSync = (path, ...options) => {
    fail("open", String(path));
    const descriptor = openSync(path, ...options);
    paths.set(descriptor, String(path));
    return descriptor;
  };
  // Emscripten makes a new file by it, before it opens it.
  fs.writeFileSync = (file, ...rest) => {
    fail("open", String(file));
    writeFileSync(file, ...rest);
  };
  const failing =
    (operation, original) =>
    (descriptor, ...rest) => {
      fail(operation, paths.get(descriptor) ?? "");
      return original(descriptor, ...rest);
    };
  fs.fsyncSync = failing("fsync", fsyncSync);
  fs.readSync = failing("read", readSync);
  fs.writeSync = failing("write", writeSync);
  syncBuiltinESMExports();
}

function exhaustHeap() {
  const kept = [];
  for (;;) kept.push(Array.from({ length: 1_000_000 }).fill(kept.length));
}
