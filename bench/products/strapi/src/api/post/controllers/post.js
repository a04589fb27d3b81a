const { factories } = require("@strapi/strapi");

// Only its author can see a draft.
function keepDrafts({ query, state }) {
  if (query.status === "draft") query.filters = { $and: [query.filters ?? {}, { author: state.user?.id ?? 0 }] };
}

module.exports = factories.createCoreController("api::post.post", () => ({
  async find(context) {
    keepDrafts(context);
    return super.find(context);
  },
  async findOne(context) {
    keepDrafts(context);
    return super.findOne(context);
  },
  async create(context) {
    context.request.body.data.author = context.state.user.id;
    return super.create(context);
  },
}));
