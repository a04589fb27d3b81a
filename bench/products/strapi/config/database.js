module.exports = {
  connection: { client: "postgres", connection: { connectionString: process.env.DATA }, pool: { min: 0, max: 10 } },
};
