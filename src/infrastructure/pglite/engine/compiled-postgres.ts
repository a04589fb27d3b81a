import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { parentPort, workerData } from "node:worker_threads";
import type { PGliteOptions } from "@electric-sql/pglite";
import type { CompiledPostgres, EngineEvent, EngineThreadData } from "./messages.ts";

// The types of Node lack this global, which every runtime has.
const { WebAssembly } = globalThis as unknown as {
  readonly WebAssembly: { readonly compile: (bytes: Uint8Array) => Promise<CompiledPostgres> };
};

/**
 * In a Worker: the compiled WebAssembly of an earlier Worker of this process, or else of this one, which then gives it to the main
 * thread. Without it, each engine would compile all functions again that it calls.
 */
export async function pgliteOptions(): Promise<Pick<PGliteOptions, "pgliteWasmModule">> {
  const { postgres } = workerData as EngineThreadData;
  const pgliteWasmModule = postgres ?? (await compile());
  // If that failed, PGlite loads its file itself, and reports the error.
  return pgliteWasmModule === null ? {} : { pgliteWasmModule };
}

async function compile(): Promise<CompiledPostgres | null> {
  try {
    const file = fileURLToPath(import.meta.resolve("@electric-sql/pglite/pglite.wasm"));
    const postgres = await WebAssembly.compile(await readFile(file));
    parentPort?.postMessage({ kind: "compiled", postgres } satisfies EngineEvent<never>, []);
    return postgres;
  } catch {
    return null;
  }
}
