/** Creates Strapi's tables, fills them from `bench.texts`, and prints a token: `node seed.js <data set as JSON>`. */
const { createStrapi } = require("@strapi/strapi");

const PUBLIC = ["api::post.post.find", "api::post.post.findOne", "plugin::users-permissions.user.find"];
const PERMISSIONS = { public: PUBLIC, authenticated: [...PUBLIC, "api::post.post.create"] };

async function allow(strapi) {
  for (const [type, actions] of Object.entries(PERMISSIONS)) {
    const role = await strapi.db.query("plugin::users-permissions.role").findOne({ where: { type } });
    const permissions = strapi.db.query("plugin::users-permissions.permission");
    for (const action of actions) await permissions.create({ data: { action, role: role.id } });
  }
}

async function fill(strapi, { users }) {
  const query = strapi.db.connection.raw.bind(strapi.db.connection);
  const documentId = (number) => `lpad(to_hex(${number}), 24, '0')`;
  await query(`insert into up_users (document_id, username, email, provider, confirmed, blocked)
    select ${documentId("n")}, 'User ' || n, 'user' || n || '@example.org', 'local', true, false
    from generate_series(2, ${users}) n`);
  await query(`insert into up_users_role_lnk (user_id, role_id)
    select up_users.id, up_roles.id from up_users, up_roles where up_users.id > 1 and type = 'authenticated'`);
  // A published post has two rows: the draft and the published version.
  await query(
    `insert into posts (document_id, title, content, created_at, updated_at, published_at)
      select ${documentId("n")}, title, content, to_timestamp(n), to_timestamp(n), published_at
      from bench.texts, (values (null), (to_timestamp(0))) of_row (published_at)
      order by n`,
  );
  await query(`insert into posts_author_lnk (post_id, user_id)
    select id, 1 + (id + 1) / 2 % ${users} from posts order by id`);
  await query("drop schema bench cascade");
  await query("checkpoint");
  await query("vacuum analyze");
}

async function seed() {
  const strapi = await createStrapi({ appDir: __dirname, distDir: __dirname }).load();
  await allow(strapi);
  const { user, jwt } = strapi.plugin("users-permissions").services;
  const role = await strapi.db.query("plugin::users-permissions.role").findOne({ where: { type: "authenticated" } });
  const credentials = { email: "user1@example.org", password: "correct horse" };
  const { id } = await user.add({
    ...credentials,
    username: "User 1",
    provider: "local",
    confirmed: true,
    role: role.id,
  });
  await fill(strapi, JSON.parse(process.argv[2]));
  const token = jwt.issue({ id });
  await strapi.destroy();
  console.log(token);
  process.exit(0);
}

seed();
