import { z } from "zod";

/** Forms that values have in every answer. */

/** A UUID in lower case; in what the server makes, of version 7. */
export const IdBody = z.guid();

/** RFC 3339, in UTC, with milliseconds. */
export const TimeBody = z.iso.datetime({ precision: 3 });
