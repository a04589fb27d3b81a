import type { ExtensionModules } from "../engine/load-extensions.ts";
import type { EngineSettings } from "../engine/start-parameters.ts";

/** The requirements of a schema on the engine. */
export interface SchemaNeeds {
  readonly extensions: ExtensionModules;
  /** Settings of PostgreSQL in addition to those of the engine. */
  readonly settings: EngineSettings;
  /**
   * Whether a write is allowed below the watermark of disk space. `isShortening`: the new text of an updated row is known to be no
   * longer than the old one.
   */
  readonly isAllowedOnLowDisk: (text: string, isShortening: boolean) => boolean;
}
