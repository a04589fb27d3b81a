import { refuseOldNode } from "./node-version.ts";

refuseOldNode();
const { start } = await import("./start.ts");
await start();
