/** The build writes the declaration of this export after the types were checked. */
declare module "quire-api/argon2id.wasm" {
  const argon2id: object;
  // oxlint-disable-next-line import/no-default-export -- A module of WebAssembly has no other export.
  export default argon2id;
}
