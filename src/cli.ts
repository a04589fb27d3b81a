#!/usr/bin/env node
import { exitOnCrash, exitWith, requireSupportedRuntime } from "./bootstrap/process-end.ts";
import { setUpV8 } from "./bootstrap/v8-settings.ts";

requireSupportedRuntime();
setUpV8();
exitOnCrash();
// Without a command it serves too.
if (["", "serve"].includes(process.argv.slice(2).join(" "))) {
  const { startEngineThread } = await import("./bootstrap/engine-thread.ts");
  startEngineThread();
}
const { runCommandLine } = await import("./bootstrap/run-command-line.ts");
const done = await runCommandLine(process.argv);
if (done.isErr()) exitWith(done.error);
if (done.value.hasServed) process.exit();
