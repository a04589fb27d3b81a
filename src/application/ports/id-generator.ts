import type { Id } from "../../domain/shared/id.ts";

export interface IdGenerator {
  /** A new UUIDv7 (RFC 9562, 5.7), later in order than every one before. */
  next<AnId extends Id<string>>(): AnId;
}
