module.exports = {
  serveAdminPanel: false,
  auth: { secret: "benchmark" },
  apiToken: { salt: "benchmark" },
  transfer: { token: { salt: "benchmark" } },
  secrets: { encryptionKey: "benchmark" },
};
