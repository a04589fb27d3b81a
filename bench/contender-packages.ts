import { createRequire } from "node:module";

/** Loads a package of the contenders, which have their own dependencies. */
export const requireOfContenders = createRequire(new URL("contenders/package.json", import.meta.url));
