const { createStrapi } = require("@strapi/strapi");

// `strapi start` does the same, and does not say which port it was given.
createStrapi({ appDir: __dirname, distDir: __dirname })
  .start()
  .then(({ server }) => console.log(`http://127.0.0.1:${server.httpServer.address().port}`));
