import { describe } from "vitest";
import { memory } from "../../support/test-storage.ts";
import { httpProtectionTests } from "./http-protection.ts";
import { httpProtocolTests } from "./http-protocol.ts";
import { httpPublicUrlTests } from "./http-public-url.ts";
import { apiOn } from "./http.contract.ts";

// These rules of HTTP do not depend on the storage, so they run only on memory.
describe("the HTTP protocol", () => {
  const { open, openStorage } = apiOn(memory);
  httpProtocolTests(open, openStorage);
  httpProtectionTests(open, openStorage);
  httpPublicUrlTests(open);
});
