interface Shared {
  users: number;
  readonly opened: Promise<{ close(): Promise<void> }>;
}

/**
 * Opens a resource once for the whole test run. The first project that needs it opens it, and the last one closes it.
 * Each project loads its setup files again, so only the process itself can hold the shared resource.
 */
export async function oncePerRun<T extends { close(): Promise<void> }>(
  name: string,
  open: () => Promise<T>,
): Promise<T> {
  const held = globalThis as { [key: symbol]: Shared | undefined };
  const key = Symbol.for(`quire.tests.${name}`);
  const shared = (held[key] ??= { users: 0, opened: open() });
  shared.users++;
  const opened = (await shared.opened) as T;
  return {
    ...opened,
    close: async () => {
      shared.users--;
      if (shared.users > 0) return;
      held[key] = undefined;
      await opened.close();
    },
  };
}
