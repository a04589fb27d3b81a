import { hashSync, verifySync } from "@node-rs/argon2";
import type { PasswordHash } from "../../domain/user/password.ts";
import type { PasswordAlgorithm } from "./password-algorithm.ts";

const FORMAT = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$/;

const PARAMETERS = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };

/**
 * Argon2id (RFC 9106) with 19 MiB of memory, 2 passes and 1 lane, the minimum of the OWASP Password Storage Cheat Sheet. It
 * blocks the calling thread for 10 ms. The asynchronous functions of the driver would occupy the threads of libuv, which
 * file access and compression need.
 */
export const argon2id: PasswordAlgorithm = {
  hash: async (password) => hashSync(password, PARAMETERS) as PasswordHash,
  verify: async (password, stored) => {
    // The driver would read argon2i and argon2d too.
    if (!FORMAT.test(stored)) throw new Error("The stored hash is not an Argon2id hash.");
    return verifySync(stored, password);
  },
  isCurrent: (stored) => {
    const [, memory = 0, time = 0, lanes = 0] = FORMAT.exec(stored) ?? [];
    const { memoryCost, timeCost, parallelism } = PARAMETERS;
    return Number(memory) >= memoryCost && Number(time) >= timeCost && Number(lanes) >= parallelism;
  },
};
