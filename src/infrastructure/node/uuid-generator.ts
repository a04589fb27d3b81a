import { V7Generator } from "uuidv7";
import type { IdGenerator } from "../../application/ports/id-generator.ts";
import type { Id } from "../../domain/shared/id.ts";

const generator = new V7Generator();
// The ids keep their order however far the clock is set back. By default they start anew after ten seconds.
generator.setRollbackAllowance(2 ** 48 - 1);

/** UUIDv7s that also increase within one millisecond, by a counter (RFC 9562, 6.2). */
export const uuidGenerator: IdGenerator = {
  next: <AnId extends Id<string>>() => generator.generate().toString() as AnId,
};
