import type { Documentation } from "./documented.ts";
import { RESPONSE_HEADERS, type ResponseHeader } from "./headers.ts";
import { problemParts, STORAGE_PROBLEMS, type FieldError, type ProblemKind } from "../problem/problem.ts";
import { reference, type Reference } from "./reference.ts";

/** Problems that nearly every operation shares. The other problems of a response give it its name. */
const COMMON: ReadonlySet<ProblemKind> = new Set<ProblemKind>([
  ...STORAGE_PROBLEMS,
  "malformed_request",
  "internal_error",
  "timed_out",
]);

const NAMES_OF_COMMON: Readonly<Record<number, string>> = {
  400: "BadRequest",
  500: "InternalServerError",
  503: "ServiceUnavailable",
  507: "InsufficientStorage",
};

/** Problems that always come together, and the one name for all of them. */
const MALFORMED_BODY: readonly ProblemKind[] = [
  "malformed_utf8",
  "malformed_json",
  "json_too_deep",
  "json_too_complex",
];

const FIELD_ERROR: FieldError = {
  in: "body",
  pointer: "/title",
  code: "too_short",
  detail: "This must have at least 1 character.",
};

/**
 * The responses with problems, each once in `components.responses`. If each operation repeated them, the document and the
 * clients generated from it would be two and a half times as large.
 */
export function problemResponses() {
  const responses = new Map<string, object>();
  const kindsSeen = new Set<ProblemKind>();

  const share = (names: readonly string[], response: object): Reference => {
    const json = JSON.stringify(response);
    const free = names.find((name) => !responses.has(name) || JSON.stringify(responses.get(name)) === json);
    if (free === undefined) throw new Error(`Two different responses have the name ${names.join(" and ")}.`);
    responses.set(free, response);
    return reference("responses", free);
  };

  return {
    /** The responses with these problems by status, as references to the shared ones. */
    of(problems: readonly ProblemKind[], documentation: readonly Documentation[]): Readonly<Record<string, Reference>> {
      for (const kind of problems) kindsSeen.add(kind);
      return Object.fromEntries(
        [...new Set(problems.map(statusOf))].map((status) => {
          const kinds = problems.filter((kind) => statusOf(kind) === status);
          return [status, share(namesOf(status, kinds, documentation), responseOf(kinds, documentation))];
        }),
      );
    },

    components: () => ({
      responses: Object.fromEntries([...responses].toSorted(([a], [b]) => (a < b ? -1 : 1))),
      examples: Object.fromEntries([...kindsSeen].map((kind) => [kind, { value: problemExample(kind) }])),
    }),
  };
}

function responseOf(kinds: readonly ProblemKind[], documentation: readonly Documentation[]) {
  const own = kinds.flatMap((kind) => [
    ...Object.keys(problemParts(kind, null).headers),
    ...extrasOf(kind, documentation),
  ]);
  return {
    description: [...new Set(kinds.map((kind) => problemExample(kind).title))].join(", or: "),
    headers: headersOf(
      documentation,
      own.filter((name): name is ResponseHeader => name in RESPONSE_HEADERS),
    ),
    content: {
      "application/problem+json": {
        schema: { allOf: [reference("schemas", "Problem"), { properties: { code: { enum: kinds } } }] },
        examples: Object.fromEntries(kinds.map((kind) => [kind, reference("examples", kind)])),
      },
    },
  };
}

/** The candidates for the name of a response: a short name, or all of its problems if the short name is taken. */
function namesOf(status: number, kinds: readonly ProblemKind[], documentation: readonly Documentation[]): string[] {
  const isCounted = documentation.some(({ responseHeaders = [] }) => responseHeaders.includes("RateLimit"));
  const extras = kinds.flatMap((kind) => extrasOf(kind, documentation)).filter((name) => name.startsWith("Accept-"));
  const suffix = [...extras.map((name) => `With${name.replaceAll("-", "")}`), isCounted ? "" : "Unlimited"].join("");
  const own = kinds.filter((kind) => !COMMON.has(kind));
  const common = NAMES_OF_COMMON[status];
  return [...(own.length === 0 && common !== undefined ? [common] : [joined(own)]), joined(kinds)]
    .filter((name) => name !== "")
    .map((name) => name + suffix);
}

function joined(kinds: readonly ProblemKind[]): string {
  const isMalformedBody = MALFORMED_BODY.every((kind) => kinds.includes(kind));
  const single = isMalformedBody ? kinds.filter((kind) => !MALFORMED_BODY.includes(kind)) : kinds;
  return [...(isMalformedBody ? ["malformed_body"] : []), ...single].map(pascalCase).join("Or");
}

function pascalCase(kind: string): string {
  return kind.replaceAll(/(?:^|_)(\w)/g, (_, letter: string) => letter.toUpperCase());
}

/** The additional headers of a problem at this operation. */
function extrasOf(kind: ProblemKind, documentation: readonly Documentation[]): readonly ResponseHeader[] {
  return documentation.flatMap(({ problemHeaders }) => problemHeaders?.[kind] ?? []);
}

export function headersOf(documentation: readonly Documentation[], own: readonly ResponseHeader[]) {
  const names = new Set([...documentation.flatMap(({ responseHeaders = [] }) => responseHeaders), ...own]);
  return Object.fromEntries([...names].map((name) => [name, reference("headers", name)]));
}

function statusOf(kind: ProblemKind): number {
  return problemParts(kind, null).status;
}

function problemExample(kind: ProblemKind) {
  const extras = kind === "validation_failed" ? { errors: [FIELD_ERROR] } : {};
  return JSON.parse(problemParts(kind, RESPONSE_HEADERS["X-Request-Id"].example, extras).body) as { title: string };
}
