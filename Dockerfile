# The image of Quire. docs/deployment.md describes it.

FROM node:24-bookworm-slim AS build
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY tsconfig.base.json tsconfig.json esbuild.config.ts LICENSE README.md .env.example ./
COPY drizzle ./drizzle
COPY src ./src
# The image contains the files of the npm package, and the packages that it needs.
RUN npm pack && tar -xzf quire-*.tgz && cp package-lock.json .npmrc package/
RUN cd package && npm ci --omit=dev && mkdir /data

FROM node:24-bookworm-slim
ENV NODE_ENV=production HOST=0.0.0.0 PORT=3000 QUIRE_DATA_DIR=/var/lib/quire/data
WORKDIR /app
COPY --from=build /build/package ./
# A new volume gets the owner of this directory. The data is in a folder of it, because the root of a volume may hold lost+found.
COPY --from=build --chown=node:node /data /var/lib/quire
USER node
VOLUME /var/lib/quire
EXPOSE 3000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/health/ready`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "dist/cli.js"]
CMD ["serve"]
