/** The format version of a data directory. It increases when older programs cannot read the new format. */
export const FORMAT = 1;
export const POSTGRESQL_MAJOR = 18;

/** This program does not read the format of the data directory, or its major version of PostgreSQL. */
export interface DataDirectoryIncompatible {
  readonly kind: "data_directory_incompatible";
  readonly directory: string;
  readonly format: number;
  readonly postgresql: number;
}
