interface Shared {
  users: number;
  readonly opened: Promise<{ close(): Promise<void> }>;
}

/**
 * Opens something for the whole run of the tests: the projects that need it share the one that the first has opened, and
 * the last closes it. Each project loads its setup files anew, so only the process itself can hold what they share.
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
