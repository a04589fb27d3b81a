export const LOADS = ["normal", "shedding"] as const;

/** `shedding` if the server has refused requests lately because of overload. */
export type Load = (typeof LOADS)[number];
