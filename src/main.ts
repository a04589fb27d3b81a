import { refuseOldNode } from "./bootstrap/node-version.ts";
import { endOnCrash } from "./bootstrap/process-failure.ts";

refuseOldNode();
endOnCrash();
const { start } = await import("./bootstrap/start.ts");
await start();
