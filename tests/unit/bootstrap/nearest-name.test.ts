import { describe, expect, it } from "vitest";
import { nearestName } from "../../../src/bootstrap/config/nearest-name.ts";

const NAMES = ["QUIRE_DATA_DIR", "QUIRE_LOG_LEVEL", "DATABASE_URL"];

describe("nearestName", () => {
  it.each([
    ["a character that is missing", "QUIRE_DATADIR", "QUIRE_DATA_DIR"],
    ["one too many", "DATABASE_URLS", "DATABASE_URL"],
    ["a wrong one", "DATABASE_URI", "DATABASE_URL"],
    ["two that are swapped, which is one slip", "QUIRE_LGO_LEVLE", "QUIRE_LOG_LEVEL"],
    ["lower case", "quire_data_dir", "QUIRE_DATA_DIR"],
  ])("finds the name behind %s", (_, given, name) => {
    expect(nearestName(given, NAMES)).toBe(name);
  });

  it("finds nothing where three characters differ, unless it may", () => {
    expect(nearestName("DATABASE_USER", NAMES)).toBeNull();
    expect(nearestName("DATABASE_USER", NAMES, 3)).toBe("DATABASE_URL");
  });

  it("takes the nearer of two", () => {
    expect(nearestName("PORTS", ["SORTS", "PORT"])).toBe("SORTS");
    expect(nearestName("PORTT", ["SORTS", "PORT"])).toBe("PORT");
  });

  it("compares no name that is longer than any", () => {
    expect(nearestName("QUIRE_".repeat(1000), NAMES, 10_000)).toBeNull();
  });
});
