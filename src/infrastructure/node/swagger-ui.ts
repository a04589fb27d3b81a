import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const { version } = require("swagger-ui-dist/package.json") as { readonly version: string };

/** The files of Swagger UI from the npm package. The documentation loads nothing from another server. */
export const swaggerUi = {
  version,
  read: async (name: string): Promise<Uint8Array<ArrayBuffer>> => readFile(require.resolve(`swagger-ui-dist/${name}`)),
};
