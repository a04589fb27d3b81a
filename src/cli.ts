#!/usr/bin/env node
import { exitOnCrash, exitWith, requireSupportedNode } from "./bootstrap/process-end.ts";

requireSupportedNode();
exitOnCrash();
const { runCommandLine } = await import("./bootstrap/run-command-line.ts");
const done = await runCommandLine(process.argv);
if (done.isErr()) exitWith(done.error);
if (done.value.hasServed) process.exit();
