import { readFileSync } from "node:fs";
import { packageFile } from "../infrastructure/node/package-files.ts";

const { version } = JSON.parse(readFileSync(packageFile("package.json"), "utf8")) as { version: string };

/** The version of this program in package.json. */
export const VERSION = version;
