import { describe, expect, it } from "vitest";
import { nearestName } from "../../../src/bootstrap/config/nearest-name.ts";

const NAMES = ["QUIRE_DATA_DIR", "QUIRE_LOG_LEVEL", "DATABASE_URL"];

describe("nearestName", () => {
  it.each([
    ["a missing character", "QUIRE_DATADIR", "QUIRE_DATA_DIR"],
    ["an extra character", "DATABASE_URLS", "DATABASE_URL"],
    ["a wrong character", "DATABASE_URI", "DATABASE_URL"],
    ["two swapped characters", "QUIRE_LGO_LEVLE", "QUIRE_LOG_LEVEL"],
    ["lower case", "quire_data_dir", "QUIRE_DATA_DIR"],
  ])("corrects %s", (_, given, name) => {
    expect(nearestName(given, NAMES)).toBe(name);
  });

  it("finds nothing at three edits, unless more edits are allowed", () => {
    expect(nearestName("DATABASE_USER", NAMES)).toBeNull();
    expect(nearestName("DATABASE_USER", NAMES, 3)).toBe("DATABASE_URL");
  });

  it("finds the nearer of two names", () => {
    expect(nearestName("PORTS", ["SORTS", "PORT"])).toBe("SORTS");
    expect(nearestName("PORTT", ["SORTS", "PORT"])).toBe("PORT");
  });

  it("ignores a name of excessive length", () => {
    expect(nearestName("QUIRE_".repeat(1000), NAMES, 10_000)).toBeNull();
  });
});
