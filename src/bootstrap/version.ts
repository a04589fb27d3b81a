import { readFileSync } from "node:fs";

const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
  version: string;
};

/** Of this program, as package.json has it; `src` and `dist` both lie beside that. */
export const VERSION = version;
