import type { Id } from "../../domain/shared/id.ts";

export interface IdGenerator {
  /** Returns a new UUIDv7 (RFC 9562, 5.7) that is greater than all earlier ones. */
  next<AnId extends Id<string>>(): AnId;
}
