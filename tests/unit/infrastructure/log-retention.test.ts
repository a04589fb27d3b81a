import { describe, expect, it } from "vitest";
import { logRetention } from "../../../src/infrastructure/pglite/client/log-retention.ts";

describe("the retention of the log", () => {
  it("continues for a backup when an earlier one releases its hold, which a checkpoint had ended", () => {
    const retention = logRetention();
    const earlier = retention.hold();
    retention.end("a checkpoint was necessary");
    const later = retention.hold();
    earlier?.release();
    expect(retention.isHeld()).toBe(true);
    later?.release();
    expect(retention.isHeld()).toBe(false);
  });
});
