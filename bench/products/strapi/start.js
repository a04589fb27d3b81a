const { createStrapi } = require("@strapi/strapi");

// `strapi start` does the same, but does not print its port.
createStrapi({ appDir: __dirname, distDir: __dirname })
  .start()
  .then(({ server }) => console.log(`http://127.0.0.1:${server.httpServer.address().port}`));
