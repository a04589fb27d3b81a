import { postgresAdapter } from "@payloadcms/db-postgres";
import { buildConfig } from "payload";

const Users = {
  slug: "users",
  // The default is two hours, and a benchmark can take longer.
  auth: { tokenExpiration: 86_400 },
  // The fields of an author that a post includes.
  defaultPopulate: { name: true },
  access: { read: () => true },
  fields: [{ name: "name", type: "text", required: true }],
};

const Posts = {
  slug: "posts",
  versions: { drafts: true },
  access: {
    // Only its author can see a draft.
    read: ({ req: { user } }) => {
      const isPublished = { _status: { equals: "published" } };
      return user ? { or: [isPublished, { author: { equals: user.id } }] } : isPublished;
    },
  },
  hooks: {
    beforeChange: [
      ({ req: { user }, data, operation }) => (operation === "create" ? { ...data, author: user.id } : data),
    ],
  },
  fields: [
    { name: "title", type: "text", required: true },
    { name: "content", type: "textarea", required: true },
    { name: "author", type: "relationship", relationTo: "users" },
  ],
};

export default buildConfig({
  secret: "benchmark",
  collections: [Users, Posts],
  typescript: { autoGenerate: false },
  db: postgresAdapter({ pool: { connectionString: process.env.DATA, max: 10 } }),
});
