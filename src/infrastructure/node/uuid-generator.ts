import { v7 } from "uuid";
import type { IdGenerator } from "../../application/ports/id-generator.ts";
import type { Id } from "../../domain/shared/id.ts";

/** UUIDv7s that grow within one millisecond too, by the sequence that `uuid` keeps in them (RFC 9562, 6.2). */
export const uuidGenerator: IdGenerator = { next: <AnId extends Id<string>>() => v7() as AnId };
