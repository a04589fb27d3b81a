export const LOADS = ["normal", "shedding"] as const;

/** Whether the server answers every request, or has refused some lately because there were too many. */
export type Load = (typeof LOADS)[number];
