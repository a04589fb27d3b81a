import { readFileSync } from "node:fs";

/** The name of the package on npm, which only package.json sets. */
export const PACKAGE_NAME = nameIn("package.json");

/** The name of the package of the client, which only client-package.json sets. */
export const CLIENT_PACKAGE_NAME = nameIn("client-package.json");

function nameIn(file: string): string {
  const { name } = JSON.parse(readFileSync(new URL(`../../${file}`, import.meta.url), "utf8")) as { name: string };
  return name;
}
