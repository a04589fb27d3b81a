import { describe } from "vitest";
import { memory } from "../../support/test-storage.ts";
import { httpBodySizeTests } from "./http-body-size.ts";
import { httpFailureTests } from "./http-failures.ts";
import { httpForgedCursorRules } from "./http-forged-cursor-rules.ts";
import { httpPostQueryRules } from "./http-post-query-rules.ts";
import { httpPostRules } from "./http-post-rules.ts";
import { httpPostView } from "./http-post-view.ts";
import { httpProtectionTests } from "./http-protection.ts";
import { httpPublicUrlTests } from "./http-public-url.ts";
import { httpPublicationTimeRules } from "./http-publication-time-rules.ts";
import { httpRights } from "./http-rights.ts";
import { httpRuntimeRules } from "./http-runtime-rules.ts";
import { httpSessionRules } from "./http-session-rules.ts";
import { httpUserRules } from "./http-user-rules.ts";
import { apiOn } from "./http.contract.ts";

// These rules of HTTP do not depend on the storage, so they run only on memory.
describe("the rules of HTTP", () => {
  const { open, openStorage } = apiOn(memory);
  httpRuntimeRules(open);
  httpBodySizeTests(open);
  httpFailureTests(open, openStorage);
  httpProtectionTests(open, openStorage);
  httpPublicUrlTests(open);
  httpUserRules(open);
  httpSessionRules(open);
  httpPostRules(open);
  httpPostQueryRules(open);
  httpPostView(open);
  httpPublicationTimeRules(open);
  httpForgedCursorRules(open);
  httpRights(open);
});
