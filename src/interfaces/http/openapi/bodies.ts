import * as z from "zod";

/** The bodies of answers by their names in the document. A schema is added where it is defined. */
export const BODIES = z.registry<{ readonly id: string }>();
