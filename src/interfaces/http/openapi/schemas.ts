import { z } from "zod";
import { BODIES } from "./bodies.ts";

/** The schema of what a client sends. */
export function inputSchema(schema: z.ZodType) {
  const { $schema: _, ...jsonSchema } = z.toJSONSchema(schema, {
    io: "input",
    // Zod leaves out the examples of what it transforms, which may be of what comes out of it; ours are of what goes in.
    override: ({ zodSchema, jsonSchema: made }) => {
      const { examples } = z.globalRegistry.get(zodSchema) ?? {};
      if (Array.isArray(examples)) made.examples = examples;
    },
  });
  return jsonSchema;
}

/** The schemas of what the server sends, by their names in the document. */
export function answerSchemas() {
  const { schemas } = z.toJSONSchema(BODIES, { io: "output", uri: (id) => `#/components/schemas/${id}` });
  return Object.fromEntries(Object.entries(schemas).map(([id, { $schema: _, $id: __, ...schema }]) => [id, schema]));
}
