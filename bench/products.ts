import { execFile } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { payloadApi, strapiApi, type Api } from "./api.ts";
import { DATA_SET } from "./data-set.ts";
import { start, type Contender } from "./server.ts";

const PRODUCTS = fileURLToPath(new URL("products", import.meta.url));
const STEP_TIMEOUT_MS = 15 * 60_000;
const OUTPUT_BYTES = 64 * 1_048_576;
const QUIET = { NEXT_TELEMETRY_DISABLED: "1", STRAPI_TELEMETRY_DISABLED: "1" };

/** A product that people install instead of writing a server, as a project in its own folder. */
export interface Product {
  readonly name: string;
  readonly folder: string;
  /** Creates and fills the tables in an empty database. Its last line of output is a token of the first user. */
  readonly seed: string;
  readonly script: string;
  readonly parameters?: readonly string[];
  readonly api: (token: string) => Api;
}

const STRAPI = join(PRODUCTS, "strapi");
const PAYLOAD = join(PRODUCTS, "payload");

export const ALL_PRODUCTS: readonly Product[] = [
  { name: "Strapi", folder: STRAPI, seed: "seed.js", script: join(STRAPI, "start.js"), api: strapiApi },
  {
    name: "Payload",
    folder: PAYLOAD,
    seed: "seed.mjs",
    script: join(PAYLOAD, "node_modules/next/dist/bin/next"),
    parameters: ["start", PAYLOAD, "--port", "0", "--hostname", "127.0.0.1"],
    api: payloadApi,
  },
];

/** Installs and builds a product, fills its empty database, and starts it once. Throws if a step fails. */
export async function prepareProduct(product: Product, url: string): Promise<Contender> {
  const { name, folder, script, parameters = [] } = product;
  const environment = { ...QUIET, DATA: url };
  const step = async (file: string, ...options: string[]) => {
    const env = { ...process.env, ...environment };
    const limits = { timeout: STEP_TIMEOUT_MS, maxBuffer: OUTPUT_BYTES };
    return (await promisify(execFile)(file, options, { cwd: folder, env, ...limits })).stdout;
  };
  // `npm ci` would first delete the installed packages, which costs two minutes in every run.
  await step("npm", "install", "--no-save");
  await step("npm", "run", "build", "--if-present");
  const output = await step(process.execPath, product.seed, JSON.stringify(DATA_SET));
  const token = output.trimEnd().split("\n").at(-1) ?? "";
  const production = { ...environment, NODE_ENV: "production" };
  const contender = { name, script, parameters, environment: production, api: product.api(token) };
  await (await start(contender)).stop();
  return contender;
}
