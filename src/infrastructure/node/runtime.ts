/** A JavaScript runtime that has Node's modules, by its name for people. */
export type RuntimeName = "Node.js" | "Bun" | "Deno";

export interface Runtime {
  readonly name: RuntimeName;
  readonly version: string;
}

/** The runtime of a process. Bun and Deno also name the version of Node that they imitate. */
export function runtimeOf({ bun, deno, node = "" }: Readonly<Record<string, string | undefined>>): Runtime {
  if (bun !== undefined) return { name: "Bun", version: bun };
  if (deno !== undefined) return { name: "Deno", version: deno };
  return { name: "Node.js", version: node };
}
