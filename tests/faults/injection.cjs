"use strict";

/**
 * Makes the file system of the engine's thread fail on command. Node loads it with `--require` before the server. The
 * command is a JSON file that the environment variable FAULT_FILE names; without that file nothing fails. Its fields:
 *
 * - `on`: the operation that fails, `fsync`, `open`, `read` or `write`;
 * - `path`: a part of the file's path;
 * - `what`: `hang`, `heap`, or the errno of the failure, such as `EIO`;
 * - `once`: whether the file is removed when it takes effect; otherwise it stays in effect.
 *
 * Only Workers fail. The main thread, which serves HTTP and supervises the engine, runs as in production.
 */
const fs = require("node:fs");
const { syncBuiltinESMExports } = require("node:module");
const { constants } = require("node:os");
const { isMainThread } = require("node:worker_threads");

const COMMAND_FILE = process.env.FAULT_FILE;
if (!isMainThread && COMMAND_FILE !== undefined) inject(COMMAND_FILE);

function inject(commandFile) {
  const { fdatasyncSync, fsyncSync, openSync, readFileSync, readSync, rmSync, statSync, writeFileSync, writeSync } = fs;
  /** The path of each open file, by its descriptor. */
  const paths = new Map();

  /** Throws or never returns if the command names this operation on this file. */
  const fail = (operation, file) => {
    if (statSync(commandFile, { throwIfNoEntry: false }) === undefined) return;
    const { on, path, what, once } = JSON.parse(readFileSync(commandFile, "utf8"));
    if (on !== operation || !file.includes(path)) return;
    if (once) rmSync(commandFile);
    // PGlite spins in the same way after a PANIC.
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
  // Emscripten creates a new file with this call, before it opens the file.
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
  fs.fdatasyncSync = failing("fsync", fdatasyncSync);
  fs.fsyncSync = failing("fsync", fsyncSync);
  fs.readSync = failing("read", readSync);
  fs.writeSync = failing("write", writeSync);
  syncBuiltinESMExports();
}

function exhaustHeap() {
  const kept = [];
  for (;;) kept.push(Array.from({ length: 1_000_000 }).fill(kept.length));
}
