import { postgresAdapter } from "@payloadcms/db-postgres";
import { buildConfig } from "payload";

const Users = {
  slug: "users",
  // Two hours are the default, which a benchmark can outlive.
  auth: { tokenExpiration: 86_400 },
  // What a post shows of its author.
  defaultPopulate: { name: true },
  access: { read: () => true },
  fields: [{ name: "name", type: "text", required: true }],
};

const Posts = {
  slug: "posts",
  versions: { drafts: true },
  access: {
    // A draft is shown to its author alone.
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
