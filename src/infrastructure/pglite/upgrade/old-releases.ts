/** A release of PGlite with an older PostgreSQL. */
export interface OldRelease {
  readonly version: string;
  /** The checksum of its package in the registry (Subresource Integrity), so that no other program runs. */
  readonly integrity: string;
  /** The databases that releases with this PostgreSQL use by default, the newest first. */
  readonly databases: readonly [string, ...string[]];
}

export const PGLITE = "@electric-sql/pglite";

/** The newest release of PGlite for each older major version of PostgreSQL. It reads the clusters of all its releases. */
export const OLD_RELEASES: ReadonlyMap<number, OldRelease> = new Map([
  [
    16,
    {
      version: "0.2.17",
      integrity: "sha512-qEpKRT2oUaWDH6tjRxLHjdzMqRUGYDnGZlKrnL4dJ77JVMcP2Hpo3NYnOSPKdZdeec57B6QPprCUFg0picx5Pw==",
      databases: ["template1"],
    },
  ],
  [
    17,
    {
      version: "0.4.6",
      integrity: "sha512-qmlmfN8UyKCee35qkV0r/MBp+Znl8FjBz7OpoglNvww3GJpw0/DLP0o1ZymvLNmcD5DTLOQdzKPtF8Hd3mdl1w==",
      databases: ["postgres", "template1"],
    },
  ],
]);
