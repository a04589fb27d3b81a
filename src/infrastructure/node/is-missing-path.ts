/** Whether the operating system says that a path does not exist (ENOENT). */
export function isMissingPath(thrown: unknown): boolean {
  return thrown instanceof Error && "code" in thrown && thrown.code === "ENOENT";
}
