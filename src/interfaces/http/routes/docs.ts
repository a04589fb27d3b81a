import type { Context, Hono } from "hono";
import type { HttpEnv } from "../environment.ts";
import { preconditionResponse } from "../etag.ts";
import { respond, setHeader } from "../respond.ts";

/** The files of Swagger UI. `read` returns the content of a file by its name. */
export interface SwaggerUi {
  /** Part of each file's path, so that a new version is another file. */
  readonly version: string;
  readonly read: (name: string) => Promise<Uint8Array<ArrayBuffer>>;
}

const FILES = {
  "swagger-ui.css": "text/css",
  "swagger-ui-bundle.js": "text/javascript",
  "favicon-32x32.png": "image/png",
} as const;

/** The names of all files that {@link SwaggerUi} must have. */
export const SWAGGER_UI_FILES: readonly string[] = Object.keys(FILES);

/** The page runs scripts of this server and calls this server only. Swagger UI draws its icons from data URLs. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

/**
 * Serves an interactive documentation page at /docs. `/` redirects people to it, and its Link header leads programs to
 * the description and the status.
 */
export function serveDocs(app: Hono<HttpEnv>, { version, read }: SwaggerUi, basePath: string): void {
  const page = documentationPage(version, basePath);
  const [links, script] = [linksOf(basePath), scriptOf(basePath)];
  app.get("/", (c) => respond(c, null, 302, { Location: "/docs", Link: links }));
  app.get("/docs", (c) => {
    setHeader(c, "Content-Security-Policy", POLICY);
    return respond(c, page, 200, { "Content-Type": "text/html; charset=utf-8" });
  });
  app.get("/docs/page.js", (c) => respond(c, script, 200, { "Content-Type": "text/javascript; charset=utf-8" }));
  app.get("/docs/page.css", (c) => respond(c, STYLE, 200, { "Content-Type": "text/css; charset=utf-8" }));
  for (const [name, type] of Object.entries(FILES)) {
    app.get(`/docs/${version}/${name}`, async (c) => fileResponse(c, `"${version}"`, type, async () => read(name)));
  }
}

/** The description for programs, the documentation for people, and the status of the API (RFC 8631). */
function linksOf(basePath: string): string {
  return `<${basePath}/openapi.json>; rel="service-desc", <${basePath}/docs>; rel="service-doc", <${basePath}/health/ready>; rel="status"`;
}

async function fileResponse(
  c: Context<HttpEnv>,
  tag: string,
  type: string,
  read: () => Promise<Uint8Array<ArrayBuffer>>,
): Promise<Response> {
  setHeader(c, "Cache-Control", "public, max-age=31536000, immutable");
  c.set("isLong", type.startsWith("text/"));
  return preconditionResponse(c, tag) ?? respond(c, await read(), 200, { "Content-Type": type });
}

function documentationPage(version: string, basePath: string): string {
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Quire API</title>
    <link rel="icon" type="image/png" href="${basePath}/docs/${version}/favicon-32x32.png">
    <link rel="stylesheet" href="${basePath}/docs/${version}/swagger-ui.css">
    <link rel="stylesheet" href="${basePath}/docs/page.css">
    <script src="${basePath}/docs/${version}/swagger-ui-bundle.js" defer></script>
    <script src="${basePath}/docs/page.js" type="module"></script>
  </head>
  <body>
    <main id="docs"></main>
    <noscript>This page needs JavaScript. <a href="${basePath}/openapi.json">${basePath}/openapi.json</a> describes the API without.</noscript>
  </body>
</html>
`;
}

/** There is one server, which also serves the page, and no operation has links. So neither is shown. */
const STYLE = `body { margin: 0; }
.swagger-ui .servers-title, .swagger-ui .servers { display: none; }
.swagger-ui .response-col_links { display: none; }
.swagger-ui .info { margin: 32px 0; }
`;

/** A log-in from the page authorizes the calls after it, until the log-out. */
function scriptOf(basePath: string): string {
  return `const spec = await (await fetch("${basePath}/openapi.json")).json();
const isSession = ({ url }) => new URL(url, location.href).pathname === "${basePath}/v1/sessions";
const ui = SwaggerUIBundle({
  spec,
  dom_id: "#docs",
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  tryItOutEnabled: true,
  validatorUrl: null,
  responseInterceptor: (response) => {
    if (isSession(response) && response.status === 201) ui.preauthorizeApiKey("bearer", response.body.token);
    if (isSession(response) && response.status === 204) ui.authActions.logout(["bearer"]);
    return response;
  },
});
`;
}
