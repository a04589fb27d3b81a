import type { ExtractSchema } from "hono/types";
import type * as z from "zod";
import type { ProblemKind, StorageProblemKind } from "../problem/problem.ts";
import type { ResponseHeader } from "./headers.ts";

export const TAGS = {
  Posts: "Posts of the authors. A post is a draft, visible to its author and to admins, or published, visible to all.",
  Sessions: "Log in to get a token, and send it as `Authorization: Bearer <token>`.",
  Users: "Authors and admins. Anybody may register as an author.",
  Health: "Health checks for operators: liveness and readiness.",
};

/** Makes an app that has one route. */
export type MakeRoute = (...dependencies: never[]) => unknown;

type EndpointsIn<Schema> = { [Path in keyof Schema]: Schema[Path][keyof Schema[Path]] }[keyof Schema];

/** The input and the outputs of a route, as a typed client infers them. */
export type EndpointOf<Make extends MakeRoute> = EndpointsIn<ExtractSchema<ReturnType<Make>>>;

type OutputOf<Endpoint> = Endpoint extends { output: infer Body; status: infer Status } ? [Status, Body] : never;

interface ProblemOutput {
  readonly code: ProblemKind;
}

type ProblemsOf<Endpoint> = Extract<OutputOf<Endpoint>[1], ProblemOutput>["code"];

/** The problems that the document must name for a route. The problems of validators come from their own documentation. */
type OwnProblemsOf<Endpoint> = Exclude<ProblemsOf<Endpoint>, StorageProblemKind | "validation_failed">;

type ExampleOf<Input> = (Input extends { json: infer Body } ? { readonly body: Body } : object) &
  (Input extends { param: { id: string } } ? { readonly id: string } : object) &
  (Input extends { query: infer Query } ? { readonly query: Query } : object);

/** The description of a route for clients. */
export interface OperationOf<Endpoint> {
  /** The operationId. */
  readonly id: string;
  readonly tag: keyof typeof TAGS;
  readonly summary: string;
  readonly description?: string;
  /** A request whose answer is the example of the first success. */
  readonly request: ExampleOf<Endpoint extends { input: infer Input } ? Input : never>;
  /** The successful answers by status: every answer of the handler, and no other. */
  readonly answers: {
    readonly [Answer in Exclude<OutputOf<Endpoint>, [unknown, ProblemOutput]> as Answer[0] & number]: AnswerOf<
      Answer[1]
    >;
  };
  /** The problems of the handler, without the problems of the storage and of middleware. */
  readonly problems: readonly OwnProblemsOf<Endpoint>[];
  /** Whether the handler may fail with any problem of the storage. */
  readonly usesStorage: StorageProblemKind extends ProblemsOf<Endpoint> ? true : false;
}

type AnswerOf<Body> = {
  readonly description: string;
  readonly headers?: readonly ResponseHeader[];
} & (Body extends null ? unknown : { readonly body: z.ZodType<Body>; readonly example: Body });

/** Refuses a list that lacks a problem. */
type Complete<Wanted, Given> = [Exclude<Wanted, Given>] extends [never]
  ? unknown
  : readonly { missing: Exclude<Wanted, Given> }[];

/** Describes a route. An answer or a problem of its handler that is left out does not compile. */
export function describeRoute<
  Make extends MakeRoute,
  const Problems extends readonly OwnProblemsOf<EndpointOf<Make>>[],
>(
  _make: Make,
  operation: OperationOf<EndpointOf<Make>> & {
    readonly problems: Problems & Complete<OwnProblemsOf<EndpointOf<Make>>, Problems[number]>;
  },
): OperationOf<EndpointOf<Make>> {
  return operation;
}
