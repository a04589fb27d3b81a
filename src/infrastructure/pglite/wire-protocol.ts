import { protocol } from "@electric-sql/pglite";

/**
 * PostgreSQL's frontend/backend protocol, version 3 (PostgreSQL 18, chapter 54), as far as one connection to the embedded
 * engine needs it.
 */
const { serialize } = protocol;

/** What a statement's parameter may be: what Drizzle's columns make of their values. */
export type Parameter = string | number | bigint | boolean | Date | null;

export interface Field {
  readonly name: string;
  /** The OID of the column's type. */
  readonly dataTypeID: number;
}

/** What the engine answered to one statement. */
export interface Reply {
  readonly fields: readonly Field[];
  /** The values as PostgreSQL writes them. */
  readonly rows: readonly (readonly (string | null)[])[];
  /** What was done, such as `INSERT 0 1`; `null` where nothing was. */
  readonly command: string | null;
  readonly error: DatabaseError | null;
}

export type DatabaseError = InstanceType<(typeof protocol)["messages"]["DatabaseError"]>;

/** Data corrupted, index corrupted, undefined file (PostgreSQL 18, Appendix A). */
const DAMAGE = new Set(["XX001", "XX002", "58P01"]);

/** Whether PostgreSQL says by an error that its files are damaged, or not there. */
export function tellsOfDamage({ code }: DatabaseError): boolean {
  return code !== undefined && DAMAGE.has(code);
}

/** One statement with its values, parsed, bound and executed in one message. */
export function encodeStatement(text: string, parameters: readonly Parameter[]): Uint8Array<ArrayBuffer> {
  return join([
    serialize.parse({ text }),
    serialize.bind({ values: parameters.map(encodeParameter) }),
    serialize.describe({ type: "P" }),
    serialize.execute(),
    serialize.sync(),
  ]);
}

/** Parses a statement under a name, so that {@link encodeExecution} can run it without its text. */
export function encodePreparation(name: string, text: string): Uint8Array<ArrayBuffer> {
  return join([serialize.parse({ name, text }), serialize.sync()]);
}

/** Runs a prepared statement that has no parameters. */
export function encodeExecution(name: string): Uint8Array<ArrayBuffer> {
  return join([serialize.bind({ statement: name }), serialize.execute(), serialize.sync()]);
}

function encodeParameter(value: Parameter): string | null {
  if (value === null) return null;
  if (value instanceof Date) return value.toISOString();
  if (typeof value === "object") throw new TypeError("A parameter of a statement is an object that no column maps.");
  return String(value);
}

/**
 * Reads an answer. `null` when it is not whole: an exception inside the engine that PGlite swallows leaves a statement
 * without an error and without a word of what was done.
 */
export function decodeReply(bytes: Uint8Array): Reply | null {
  const { messages } = protocol;
  let fields: readonly Field[] = [];
  const rows: (string | null)[][] = [];
  let command: string | null = null;
  let error: DatabaseError | null = null;
  let isReady = false;
  new protocol.Parser().parse(bytes, (message) => {
    if (message instanceof messages.DataRowMessage) rows.push(message.fields);
    else if (message instanceof messages.RowDescriptionMessage) fields = message.fields;
    else if (message instanceof messages.CommandCompleteMessage) command = message.text;
    else if (message instanceof messages.DatabaseError) error ??= message;
    else if (message instanceof messages.ReadyForQueryMessage) isReady = true;
  });
  const isAnswered = command !== null || error !== null;
  return isReady && isAnswered ? { fields, rows, command, error } : null;
}

function join(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}
