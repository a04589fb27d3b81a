import setUpArgon2id from "argon2id/lib/setup.js";
import type { Password, PasswordHash } from "../../domain/user/password.ts";
import {
  ARGON2ID_PARAMETERS,
  argon2idParameters,
  isCurrentArgon2id,
  type Argon2idParameters,
} from "../crypto/argon2id-parameters.ts";
import type { PasswordAlgorithm } from "../crypto/password-algorithm.ts";
import { fromBase64, toBase64 } from "./base64.ts";

/** A compiled module (`WebAssembly.Module`). The types of most runtimes lack this name. */
export type CompiledWasm = object;

const SALT_BYTES = 16;
const HASH_BYTES = 32;
/** The last two parts of a PHC string: salt and hash. */
const END = /\$(?<salt>[A-Za-z0-9+/]+)\$(?<hash>[A-Za-z0-9+/]+)$/;

/**
 * Argon2id (RFC 9106) in WebAssembly, with the parameters and the PHC strings of {@link argon2id}. It blocks the calling thread
 * for 30 to 50 ms. Its memory of 65 MiB is allocated at the first hash and then kept.
 *
 * @param module The file `simd.wasm` of the package `argon2id`, compiled: a worker must not compile WebAssembly itself.
 */
export function argon2idOnWasm(module: CompiledWasm): PasswordAlgorithm {
  let setUp: ReturnType<typeof setUpArgon2id> | undefined;

  const compute = async (password: Password, salt: Uint8Array, hashBytes: number, parameters: Argon2idParameters) => {
    setUp ??= setUpArgon2id(instantiated(module), instantiated(module));
    const run = await setUp;
    return run({
      password: new TextEncoder().encode(password),
      salt,
      tagLength: hashBytes,
      memorySize: parameters.memoryCost,
      passes: parameters.timeCost,
      parallelism: parameters.parallelism,
    });
  };

  return {
    hash: async (password) => {
      const salt = crypto.getRandomValues(new Uint8Array(SALT_BYTES));
      const hash = await compute(password, salt, HASH_BYTES, ARGON2ID_PARAMETERS);
      const { memoryCost, timeCost, parallelism } = ARGON2ID_PARAMETERS;
      const parts = [`m=${memoryCost},t=${timeCost},p=${parallelism}`, unpadded(salt), unpadded(hash)];
      return `$argon2id$v=19$${parts.join("$")}` as PasswordHash;
    },
    verify: async (password, stored) => {
      const parameters = argon2idParameters(stored);
      const { salt, hash } = END.exec(stored)?.groups ?? {};
      if (salt === undefined || hash === undefined) throw new Error("The stored hash is not complete.");
      const expected = fromBase64(hash);
      return isEqual(await compute(password, fromBase64(salt), expected.length, parameters), expected);
    },
    isCurrent: isCurrentArgon2id,
  };
}

/** The loader of a compiled module, which the package calls with the imports of the module. */
function instantiated(module: CompiledWasm): Parameters<typeof setUpArgon2id>[0] {
  const compiled = module as WebAssembly.Module;
  return async (imports) => ({ module: compiled, instance: new WebAssembly.Instance(compiled, imports) });
}

function unpadded(bytes: Uint8Array): string {
  return toBase64(bytes).replace(/=+$/, "");
}

/** Compares in constant time. The lengths are no secret. */
function isEqual(one: Uint8Array, other: Uint8Array): boolean {
  if (one.length !== other.length) return false;
  return one.reduce((difference, byte, index) => difference | (byte ^ (other[index] ?? 0)), 0) === 0;
}
