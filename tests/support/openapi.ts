/** The parts of an OpenAPI 3.1 document that the tests read. */
export interface OpenApiDocument {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: Readonly<Record<string, Readonly<Record<string, object>>>>;
}

export interface Operation {
  readonly operationId: string;
  readonly security: readonly object[];
  readonly parameters: readonly Parameter[];
  readonly requestBody?: { readonly required: boolean; readonly content: Readonly<Record<string, MediaType>> };
  readonly responses: Readonly<Record<string, Answer>>;
}

export interface Parameter {
  readonly name: string;
  readonly in: "path" | "query" | "header";
  readonly required: boolean;
  readonly schema: object;
  readonly example?: string;
}

interface MediaType {
  readonly schema: object;
  readonly example?: unknown;
}

interface Answer {
  readonly headers: Readonly<Record<string, { readonly $ref: string }>>;
  readonly content?: Readonly<Record<string, MediaType>>;
}

interface App {
  readonly request: (path: string) => Response | Promise<Response>;
}

/** The document as a client reads it. */
export async function readDocument(app: App): Promise<OpenApiDocument> {
  const response = await app.request("/openapi.json");
  return (await response.json()) as OpenApiDocument;
}
