import { refuseOldNode } from "./node-version.ts";
import { endOnCrash } from "./process-failure.ts";

refuseOldNode();
endOnCrash();
const { start } = await import("./start.ts");
await start();
