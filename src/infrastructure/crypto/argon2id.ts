import { hashSync, verifySync } from "@node-rs/argon2";
import type { PasswordHash } from "../../domain/user/password.ts";
import type { PasswordAlgorithm } from "./password-algorithm.ts";

const FORMAT = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$/;

const PARAMETERS = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };

/**
 * Argon2id (RFC 9106) with 19 MiB of memory, 2 passes and 1 lane, the least that the OWASP Password Storage Cheat Sheet
 * recommends. It is computed on the thread that calls it, for 10 ms: the driver's own asynchronous functions take libuv's
 * threads, which files and compression wait for.
 */
export const argon2id: PasswordAlgorithm = {
  name: "argon2id",
  hash: async (password) => hashSync(password, PARAMETERS) as PasswordHash,
  verify: async (password, stored) => verifySync(stored, password),
  isCurrent: (stored) => {
    const [, memory = 0, time = 0, lanes = 0] = FORMAT.exec(stored) ?? [];
    const { memoryCost, timeCost, parallelism } = PARAMETERS;
    return Number(memory) >= memoryCost && Number(time) >= timeCost && Number(lanes) >= parallelism;
  },
};
