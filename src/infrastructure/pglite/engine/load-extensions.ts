import type { Extension, Extensions } from "@electric-sql/pglite";

/**
 * The modules of PGlite's extensions, by the name of the extension in the module. The Worker of the engine imports them, so a
 * module is the name of a package that the engine finds, or a URL.
 */
export type ExtensionModules = Readonly<Record<string, string>>;

/** Imports extensions. Throws if a module does not exist or does not have the extension. */
export async function loadExtensions(modules: ExtensionModules): Promise<Extensions> {
  const loaded = await Promise.all(
    Object.entries(modules).map(async ([name, module]) => {
      const extension = ((await import(module)) as Record<string, Extension | undefined>)[name];
      if (extension === undefined) throw new Error(`The module ${module} has no extension ${name}.`);
      return [name, extension] as const;
    }),
  );
  return Object.fromEntries(loaded);
}
