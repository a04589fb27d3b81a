import { describe, expect, it } from "vitest";
import {
  checkDescriptors,
  descriptorLimit,
  ENGINE_DESCRIPTORS,
  hasFreeDescriptors,
  maxConnections,
  missingDescriptors,
} from "../../../src/infrastructure/node/file-descriptors.ts";

describe("the limit of open files", () => {
  it("is read for this process", async () => {
    expect(descriptorLimit()).toBeGreaterThan(64);
    expect(await hasFreeDescriptors()).toBe(true);
  });

  it("must be enough for the embedded engine, Node and 64 clients", () => {
    expect(checkDescriptors(383)._unsafeUnwrapErr()).toEqual({
      kind: "descriptors_too_few",
      limit: 383,
      needed: 384,
      recommended: 576,
    });
    expect(checkDescriptors(384).isOk()).toBe(true);
    expect(checkDescriptors(null).isOk()).toBe(true);
  });

  it("is reported as low when it is not enough for 256 clients", () => {
    expect(missingDescriptors(575)).toEqual({ limit: 575, recommended: 576 });
    expect(missingDescriptors(576)).toBeNull();
    expect(missingDescriptors(null)).toBeNull();
  });

  it("bounds the connections, so that clients cannot use up the descriptors of the database", () => {
    expect(maxConnections(ENGINE_DESCRIPTORS, 1024)).toBe(704);
    expect(maxConnections(10, 1024)).toBe(950);
    expect(maxConnections(ENGINE_DESCRIPTORS, 384)).toBe(64);
    expect(maxConnections(ENGINE_DESCRIPTORS, null)).toBeNull();
  });
});
