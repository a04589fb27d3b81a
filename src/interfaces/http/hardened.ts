import { secureHeaders } from "hono/secure-headers";
import { documented } from "./documented.ts";

/**
 * No answer is a page, so nothing in one may run, load or be framed, and none is taken for another type than it has. A
 * route that does answer with a page sets a policy of its own. HSTS is left to who speaks TLS (RFC 6797, 7.2).
 */
export const hardened = documented(
  secureHeaders({
    contentSecurityPolicy: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
    overwrite: false,
    // The policy says it already, or it is for pages, for plug-ins that are gone, or for who speaks TLS.
    crossOriginOpenerPolicy: false,
    originAgentCluster: false,
    strictTransportSecurity: false,
    xDnsPrefetchControl: false,
    xDownloadOptions: false,
    xFrameOptions: false,
    xPermittedCrossDomainPolicies: false,
    xXssProtection: false,
    removePoweredBy: false,
  }),
  {
    responseHeaders: [
      "Content-Security-Policy",
      "Cross-Origin-Resource-Policy",
      "Referrer-Policy",
      "X-Content-Type-Options",
    ],
  },
);
