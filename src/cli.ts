#!/usr/bin/env node
import { refuseOldNode } from "./node-version.ts";
import { endOnCrash } from "./process-failure.ts";

refuseOldNode();
endOnCrash();
const { runCommandLine } = await import("./command-line.ts");
await runCommandLine(process.argv);
