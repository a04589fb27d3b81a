import { v7 } from "uuid";
import type { IdGenerator } from "../../application/ports/id-generator.ts";
import type { Id } from "../../domain/shared/id.ts";

/** UUIDv7s that also increase within one millisecond, by the counter that `uuid` puts into them (RFC 9562, 6.2). */
export const uuidGenerator: IdGenerator = { next: <AnId extends Id<string>>() => v7() as AnId };
