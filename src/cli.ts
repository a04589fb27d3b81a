#!/usr/bin/env node
import { exitOnCrash, exitWith, requireSupportedRuntime } from "./bootstrap/process-end.ts";

requireSupportedRuntime();
exitOnCrash();
const { runCommandLine } = await import("./bootstrap/run-command-line.ts");
const done = await runCommandLine(process.argv);
if (done.isErr()) exitWith(done.error);
if (done.value.hasServed) process.exit();
