/** A pointer to a component of the document. */
export interface Reference {
  readonly $ref: string;
}

export function reference(
  kind: "schemas" | "headers" | "examples" | "responses" | "parameters",
  name: string,
): Reference {
  return { $ref: `#/components/${kind}/${name}` };
}
