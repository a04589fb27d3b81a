import { exitOnCrash, exitWith, handleStopSignals, requireSupportedNode } from "./bootstrap/process-end.ts";

requireSupportedNode();
exitOnCrash();
const signals = handleStopSignals();
const { runServer } = await import("./bootstrap/run-server.ts");
const ended = await runServer(signals);
if (ended.isErr()) exitWith(ended.error);
process.exit();
