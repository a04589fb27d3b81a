/** The number of rounds of random inputs and of faults: a few by default, more with the variable `FAULT_ROUNDS`. */
export const FAULT_ROUNDS = Number(process.env["FAULT_ROUNDS"] ?? "2");

/** Whether tests that take minutes run too, and properties run with all their inputs (`FAULT_ROUNDS=50`). */
export const isThorough = FAULT_ROUNDS >= 50;

/** Why the other runs skip these tests. */
export const THOROUGH_ONLY = "It takes minutes, and runs with FAULT_ROUNDS=50.";
