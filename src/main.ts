import { exitOnCrash, exitWith, handleStopSignals, requireSupportedRuntime } from "./bootstrap/process-end.ts";
import { setUpV8 } from "./bootstrap/v8-settings.ts";

requireSupportedRuntime();
setUpV8();
exitOnCrash();
const signals = handleStopSignals();
// It loads its modules while this thread loads the configuration.
const { startEngineThread } = await import("./bootstrap/engine-thread.ts");
startEngineThread();
const { runServer } = await import("./bootstrap/run-server.ts");
const ended = await runServer(signals);
if (ended.isErr()) exitWith(ended.error);
process.exit();
