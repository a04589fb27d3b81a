import type { PasswordHash } from "../../domain/user/password.ts";

const BEGINNING = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$/;

/** The parameters of Argon2id: memory in KiB, passes and lanes. */
export interface Argon2idParameters {
  readonly memoryCost: number;
  readonly timeCost: number;
  readonly parallelism: number;
}

/** 19 MiB of memory, 2 passes and 1 lane, the minimum of the OWASP Password Storage Cheat Sheet. */
export const ARGON2ID_PARAMETERS: Argon2idParameters = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };

/** The parameters of a stored hash. Throws for a hash of any other algorithm, such as argon2i. */
export function argon2idParameters(stored: PasswordHash): Argon2idParameters {
  const [, memory, time, lanes] = BEGINNING.exec(stored) ?? [];
  if (lanes === undefined) throw new Error("The stored hash is not an Argon2id hash.");
  return { memoryCost: Number(memory), timeCost: Number(time), parallelism: Number(lanes) };
}

/** Whether the parameters of a hash are at least as strong as those of new hashes. */
export function isCurrentArgon2id(stored: PasswordHash): boolean {
  const { memoryCost, timeCost, parallelism } = argon2idParameters(stored);
  return (
    memoryCost >= ARGON2ID_PARAMETERS.memoryCost &&
    timeCost >= ARGON2ID_PARAMETERS.timeCost &&
    parallelism >= ARGON2ID_PARAMETERS.parallelism
  );
}
