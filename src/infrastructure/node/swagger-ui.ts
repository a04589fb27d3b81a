import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { packageFile } from "./package-files.ts";

const fileOf = (name: string): URL => packageFile(`dist/swagger-ui/${name}`);
const { version } = JSON.parse(readFileSync(fileOf("package.json"), "utf8")) as { readonly version: string };

/** The files of Swagger UI that the build has copied from the npm package. The documentation loads nothing from another server. */
export const swaggerUi = {
  version,
  read: async (name: string): Promise<Uint8Array<ArrayBuffer>> => readFile(fileOf(name)),
};
