import type { Log } from "../../application/ports/log.ts";

/** A log that writes nothing. */
export const nullLog: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
