import * as z from "zod";
import { BODIES } from "./bodies.ts";

/** The schema of a client's input. */
export function inputSchema(schema: z.ZodType) {
  const { $schema: _, ...jsonSchema } = z.toJSONSchema(schema, {
    io: "input",
    // Zod drops the examples of a transform, because they may be examples of its output. Ours are examples of its
    // input.
    override: ({ zodSchema, jsonSchema: made }) => {
      const { examples } = z.globalRegistry.get(zodSchema) ?? {};
      if (Array.isArray(examples)) made.examples = examples;
    },
  });
  return jsonSchema;
}

/** The schemas of the server's answers by their names in the document. */
export function answerSchemas() {
  const { schemas } = z.toJSONSchema(BODIES, { io: "output", uri: (id) => `#/components/schemas/${id}` });
  return Object.fromEntries(Object.entries(schemas).map(([id, { $schema: _, $id: __, ...schema }]) => [id, schema]));
}
