#!/usr/bin/env node
import { refuseOldNode } from "./bootstrap/node-version.ts";
import { endOnCrash } from "./bootstrap/process-failure.ts";

refuseOldNode();
endOnCrash();
const { runCommandLine } = await import("./interfaces/cli/command-line.ts");
await runCommandLine(process.argv);
