/**
 * A structured log. The message describes the event, and the fields hold its data. No field may hold a secret.
 *
 * A method never throws, whatever the fields hold, and does not change them. A log that writes adds the calls in their order,
 * and escapes control characters, so that text from a client cannot forge a line.
 */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}
