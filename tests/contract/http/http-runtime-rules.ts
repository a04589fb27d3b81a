import type { OpenRemoteApi } from "../../support/api.ts";
import { httpConditional } from "./http-conditional.ts";
import { httpCorsTests } from "./http-cors.ts";
import { httpIdempotencyKeyRules } from "./http-idempotency-key-rules.ts";
import { httpProtocolTests } from "./http-protocol.ts";

/** The rules of HTTP that a runtime can change, because it parses requests and writes responses. */
export function httpRuntimeRules(open: OpenRemoteApi) {
  httpProtocolTests(open);
  httpCorsTests(open);
  httpIdempotencyKeyRules(open);
  httpConditional(open);
}
