import { packageFile } from "../../node/package-files.ts";

/** Node itself loads a Worker, so it is always the built file. */
export const ENGINE_WORKER = packageFile("dist/workers/engine-worker.js");
