import { protocol } from "@electric-sql/pglite";

/**
 * PostgreSQL's frontend/backend protocol, version 3 (PostgreSQL 18, chapter 54): the part that one connection to the
 * embedded engine needs.
 */
const { serialize } = protocol;

export interface Statement {
  readonly text: string;
  readonly values: readonly Value[];
}

/** A parameter in PostgreSQL's text form. */
type Value = string | null;

export interface Field {
  readonly name: string;
  /** The OID of the column's type. */
  readonly dataTypeID: number;
}

/** PostgreSQL's reply to one statement. */
export interface Reply {
  readonly fields: readonly Field[];
  /** The values in PostgreSQL's text form. */
  readonly rows: readonly (readonly (string | null)[])[];
  /** The command tag, such as `INSERT 0 1`; `null` after an error. */
  readonly command: string | null;
  readonly error: DatabaseError | null;
}

export type DatabaseError = InstanceType<(typeof protocol)["messages"]["DatabaseError"]>;

/** Data corrupted, index corrupted, undefined file (PostgreSQL 18, Appendix A). */
const DAMAGE: ReadonlySet<unknown> = new Set(["XX001", "XX002", "58P01"]);

/** Whether an error reports that files are damaged or missing. */
export function isDamageReport(error: unknown): boolean {
  return typeof error === "object" && error !== null && "code" in error && DAMAGE.has(error.code);
}

/** Parses a statement under a name, and requests the columns of its rows. */
export function encodePreparation(name: string, text: string): Uint8Array<ArrayBuffer> {
  return concat([serialize.parse({ name, text }), serialize.describe({ type: "S", name }), serialize.sync()]);
}

/** A statement with its values, by the name of its preparation or by its text. */
export type Execution = Statement | { readonly name: string; readonly values: readonly Value[] };

/** Runs statements one after the other, as one transaction unless one is open: all or none take effect. */
export function encodeExecutions(executions: readonly Execution[]): Uint8Array<ArrayBuffer> {
  return concat([...executions.flatMap(encodeExecution), serialize.sync()]);
}

function encodeExecution(execution: Execution): readonly Uint8Array[] {
  const values = [...execution.values];
  return "name" in execution
    ? [serialize.bind({ statement: execution.name, values }), serialize.execute()]
    : [
        serialize.parse({ text: execution.text }),
        serialize.bind({ values }),
        serialize.describe({ type: "P" }),
        serialize.execute(),
      ];
}

/** The column of the statement that ends a script, by which its answer is known to be complete. */
const SCRIPT_END = "engine_script_end";

/** Runs a script of any number of statements, as one transaction unless it has its own (PostgreSQL 18, 54.2.2.1). */
export function encodeScript(script: string): Uint8Array<ArrayBuffer> {
  // The line break ends a comment, and the semicolon ends a statement.
  return concat([serialize.query(`${script}\n;select 1 as ${SCRIPT_END}`)]);
}

/** Removes prepared statements. */
export function encodeRemovals(names: readonly string[]): Uint8Array<ArrayBuffer> {
  return concat([...names.map((name) => serialize.close({ type: "S", name })), serialize.sync()]);
}

/** A message of NOTIFY to a channel on which the session listens. */
export interface Notification {
  readonly channel: string;
  readonly payload: string;
}

/** PostgreSQL's answer to one message. */
export interface Answer {
  /** One for each statement that succeeded. */
  readonly replies: readonly Omit<Reply, "error">[];
  /** The error of the next statement. Later statements had not begun. */
  readonly error: DatabaseError | null;
  /** The columns of the last description. */
  readonly fields: readonly Field[];
  readonly notifications: readonly Notification[];
  /** Whether a transaction is open. */
  readonly isInTransaction: boolean;
}

const TYPE = {
  commandComplete: code("C"),
  dataRow: code("D"),
  error: code("E"),
  notification: code("A"),
  readyForQuery: code("Z"),
  rowDescription: code("T"),
} as const;

/** The status of a session without a transaction. */
const IDLE = code("I");
/** The type of a message and its length, which includes itself. */
const HEADER_BYTES = 5;
const NULL_LENGTH = -1;
/** The bytes of a column after its name, and the offset of its type's OID in them. */
const FIELD_BYTES = 18;
const TYPE_OID_AT = 6;

/**
 * Parses an answer. `null` if it is incomplete: after an exception that PGlite swallows, a statement has neither an
 * error nor a command tag.
 *
 * @param statements The number of statements; `script` if {@link encodeScript} ran them.
 */
export function decodeAnswer(bytes: Uint8Array, statements: number | "script"): Answer | null {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const replies: Omit<Reply, "error">[] = [];
  let fields: readonly Field[] = [];
  let rows: (string | null)[][] = [];
  let error: DatabaseError | null = null;
  const notifications: Notification[] = [];
  let status: number | undefined;
  for (let at = 0; at + HEADER_BYTES <= buffer.length;) {
    const end = at + 1 + buffer.readInt32BE(at + 1);
    const body = at + HEADER_BYTES;
    switch (buffer[at]) {
      case TYPE.dataRow:
        rows.push(decodeRow(buffer, body));
        break;
      case TYPE.commandComplete:
        replies.push({ fields, rows, command: buffer.toString("latin1", body, end - 1) });
        rows = [];
        fields = [];
        break;
      case TYPE.rowDescription:
        fields = decodeFields(buffer, body);
        break;
      case TYPE.error:
        error ??= decodeError(bytes.subarray(at, end));
        break;
      case TYPE.notification:
        notifications.push(decodeNotification(buffer, body));
        break;
      case TYPE.readyForQuery:
        status = buffer[body];
        break;
      default:
    }
    at = end;
  }
  if (status === undefined) return null;
  // The last reply of a complete script is that of the statement which ends it.
  if (error === null && statements === "script" && replies.pop()?.fields[0]?.name !== SCRIPT_END) return null;
  if (error === null && statements !== "script" && replies.length !== statements) return null;
  return { replies, error, fields, notifications, isInTransaction: status !== IDLE };
}

/** The process of the sender, the channel and the payload. */
function decodeNotification(buffer: Buffer, body: number): Notification {
  const channelAt = body + 4;
  const channelEnd = buffer.indexOf(0, channelAt);
  const payloadEnd = buffer.indexOf(0, channelEnd + 1);
  return {
    channel: buffer.toString("utf8", channelAt, channelEnd),
    payload: buffer.toString("utf8", channelEnd + 1, payloadEnd),
  };
}

function decodeRow(buffer: Buffer, body: number): (string | null)[] {
  const values: (string | null)[] = [];
  let at = body + 2;
  for (let left = buffer.readInt16BE(body); left > 0; left--) {
    const length = buffer.readInt32BE(at);
    at += 4;
    if (length === NULL_LENGTH) values.push(null);
    else values.push(buffer.toString("utf8", at, (at += length)));
  }
  return values;
}

function decodeFields(buffer: Buffer, body: number): readonly Field[] {
  const fields: Field[] = [];
  let at = body + 2;
  for (let left = buffer.readInt16BE(body); left > 0; left--) {
    const nameEnd = buffer.indexOf(0, at);
    fields.push({
      name: buffer.toString("utf8", at, nameEnd),
      dataTypeID: buffer.readUInt32BE(nameEnd + 1 + TYPE_OID_AT),
    });
    at = nameEnd + 1 + FIELD_BYTES;
  }
  return fields;
}

function decodeError(message: Uint8Array): DatabaseError | null {
  let error: DatabaseError | null = null;
  new protocol.Parser().parse(message, (parsed) => {
    if (parsed instanceof protocol.messages.DatabaseError) error = parsed;
  });
  return error;
}

function code(letter: string): number {
  return letter.charCodeAt(0);
}

/** Joins parts into a separate buffer, so that it can be transferred to another thread. */
export function concat(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}
