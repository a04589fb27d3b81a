import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { CompiledWasm } from "../../src/infrastructure/web/argon2id-wasm.ts";

/** The module that a worker imports. Node has no import of WebAssembly, so a test compiles it. */
export function compiledArgon2id(): CompiledWasm {
  const file = createRequire(import.meta.url).resolve("argon2id/dist/simd.wasm");
  const { WebAssembly: engine } = globalThis as unknown as {
    WebAssembly: { Module: new (bytes: Buffer) => CompiledWasm };
  };
  return new engine.Module(readFileSync(file));
}
