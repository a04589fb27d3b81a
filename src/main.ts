import { exitOnCrash, exitWith, handleStopSignals, requireSupportedRuntime } from "./bootstrap/process-end.ts";

requireSupportedRuntime();
exitOnCrash();
const signals = handleStopSignals();
const { runServer } = await import("./bootstrap/run-server.ts");
const ended = await runServer(signals);
if (ended.isErr()) exitWith(ended.error);
process.exit();
