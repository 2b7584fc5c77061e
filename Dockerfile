# One image for both programs: the worker (the default command) and the operator.
#
#   docker build -t kvorum:dev .
#
# Three stages, so that what compiles and what tests stay out of what runs. It needs nothing but the package registry:
# the SQLite binding is compiled against the headers that the base image brings along.

FROM node:24-bookworm AS packages
WORKDIR /app
ENV npm_config_nodedir=/usr/local npm_config_update_notifier=false
# Since 24.19 the headers let each wrapped object register with the environment, and unregister in a destructor that the
# garbage collector also runs where there is no environment: the process would be aborted. Objects of the SQLite binding
# need no such registration, so a binding that is compiled here is compiled without it.
RUN sed -i -E '/^ +(Add|Remove)CleanupHook\(\);$/d' /usr/local/include/node/node_object_wrap.h
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev \
 && node -e "new (require('better-sqlite3'))(':memory:').close()" \
 # Of the binding one file is used; its sources and objects are most of its size.
 && find node_modules/better-sqlite3 -mindepth 1 -maxdepth 1 ! -name lib ! -name build ! -name package.json ! -name LICENSE -exec rm -rf {} + \
 && find node_modules/better-sqlite3/build -type f ! -name better_sqlite3.node -delete \
 && find node_modules/better-sqlite3/build -type d -empty -delete \
 # Declarations and source maps are for people who compile.
 && find node_modules -type f \( -name '*.d.ts' -o -name '*.d.cts' -o -name '*.d.mts' -o -name '*.map' -o -name '*.md' \) -delete \
 && node -e "new (require('better-sqlite3'))(':memory:').close()"

FROM node:24-bookworm AS build
WORKDIR /app
ENV npm_config_update_notifier=false
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts
COPY tsconfig.base.json ./
COPY core core
COPY platform platform
COPY client client
COPY node node
COPY operator operator
COPY page page
RUN node_modules/.bin/tsc --build node operator client page \
 && find dist \( -name '*.d.ts' -o -name '*.tsbuildinfo' \) -delete

FROM node:24-bookworm-slim
ARG VERSION=dev
ARG REVISION=unknown
LABEL org.opencontainers.image.title="kvorum" \
      org.opencontainers.image.description="A fault-tolerant distributed key-value store: worker and operator" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
WORKDIR /app
ENV NODE_ENV=production
COPY package.json LICENSE ./
COPY --from=packages /app/node_modules node_modules
COPY --from=build /app/dist dist
# What the live page consists of besides its modules.
COPY page/static page/static
# The operator keeps the definition current, since Helm installs one but never upgrades it.
COPY charts/kvorum/crds charts/kvorum/crds
# The user `node` of the base image, by number: Kubernetes can only check a number against runAsNonRoot.
USER 1000:1000
EXPOSE 8080
# Both programs handle SIGTERM themselves, so they may be process 1. Whether they are well is asked over HTTP by whoever
# runs the image: /livez, /readyz and /startupz.
STOPSIGNAL SIGTERM
CMD ["node", "--max-semi-space-size=32", "--heap-growing-percent=200", "dist/node/main.js"]
