#!/usr/bin/env node
import { refuseOldNode } from "./node-version.ts";

refuseOldNode();
const { runCommandLine } = await import("./command-line.ts");
await runCommandLine(process.argv);
