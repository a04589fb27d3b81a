import { readFileSync } from "node:fs";

const { name } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as { name: string };

/** The name of the package on npm, which only package.json sets. */
export const PACKAGE_NAME = name;
