import { describe } from "vitest";
import { memory } from "../../support/test-storage.ts";
import { httpConditional } from "./http-conditional.ts";
import { httpForgedCursorRules } from "./http-forged-cursor-rules.ts";
import { httpIdempotencyKeyRules } from "./http-idempotency-key-rules.ts";
import { httpPostQueryRules } from "./http-post-query-rules.ts";
import { httpPostRules } from "./http-post-rules.ts";
import { httpPostView } from "./http-post-view.ts";
import { httpProtectionTests } from "./http-protection.ts";
import { httpProtocolTests } from "./http-protocol.ts";
import { httpPublicationTimeRules } from "./http-publication-time-rules.ts";
import { httpPublicUrlTests } from "./http-public-url.ts";
import { httpRights } from "./http-rights.ts";
import { httpSessionRules } from "./http-session-rules.ts";
import { httpUserRules } from "./http-user-rules.ts";
import { apiOn } from "./http.contract.ts";

// These rules of HTTP do not depend on the storage, so they run only on memory.
describe("the rules of HTTP", () => {
  const { open, openStorage } = apiOn(memory);
  httpProtocolTests(open, openStorage);
  httpProtectionTests(open, openStorage);
  httpPublicUrlTests(open);
  httpUserRules(open);
  httpSessionRules(open);
  httpIdempotencyKeyRules(open);
  httpPostRules(open);
  httpPostQueryRules(open);
  httpPostView(open);
  httpPublicationTimeRules(open);
  httpForgedCursorRules(open);
  httpConditional(open);
  httpRights(open);
});
