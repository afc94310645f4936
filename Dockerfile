# By digest: a tag is moved, and two builds of one commit would not be the same. It is that of the index for all
# platforms; CONTRIBUTING.md says how to take a newer one. --build-arg BASE=... names another base.
ARG BASE=docker.io/library/node:24.21.0-bookworm-slim@sha256:d6aa754f16b3197301076f047b5def2f02ea1dbbc2ca920407d46d7ec7f87b20
# The one in package.json, which is what the job itself tells; the build fails where they differ.
ARG VERSION=0.1.0

FROM ${BASE} AS build
WORKDIR /build
COPY package.json package-lock.json ./
# Install scripts are for development only.
RUN npm ci --ignore-scripts --no-audit --no-fund --no-update-notifier
COPY LICENSE tsconfig.json ./
COPY build build
COPY src src
RUN node build/bundle.ts /app
WORKDIR /app
ARG VERSION
RUN told=$(node -p 'require("./package.json").version') && test "$VERSION" = "$told" \
 || { echo "VERSION is $VERSION and package.json says $told: make them one" >&2; exit 1; }
# A run that finds no etcd (exit code 3) loads what a real one loads and leaves it compiled, and so does load-all.ts with
# the rest. Runs then start in half the time. Node keeps a folder for each uid and cannot make one at run time; these are
# the uids that the chart uses. Any other uid, and a processor with other features than the one that built this, starts as
# it would without.
# Everyone may read and only root may write, whatever the modes in the folder that this is built from.
RUN ETCDCTL_ENDPOINTS=http://127.0.0.1:1 ETCDCTL_DIAL_TIMEOUT=1s NODE_COMPILE_CACHE=/app/.compile-cache \
    node --import /build/build/load-all.ts lib/main.js; test $? -eq 3 \
 && cd .compile-cache && for folder in *-0; do ln -s "$folder" "${folder%-0}-65532"; done \
 && chmod -R a+rX,go-w /app
RUN mkdir /image && sh /build/build/image-root.sh /image $(find /app -name '*.node')

# Nothing but what runs.
FROM scratch
COPY --from=build /image /
ENV PATH=/usr/local/bin:/usr/bin:/bin NODE_ENV=production NODE_COMPILE_CACHE=/app/.compile-cache
WORKDIR /app
COPY --from=build /app /app
# A number, so that Kubernetes can tell that it is not root.
USER 65532:65532
# On SIGUSR1 Node would open its inspector: on the host's network anybody on the node could then run code in here.
ENTRYPOINT ["node", "--disable-sigusr1", "lib/main.js"]
# Last, because they change with every commit: the layers above stay in the builder's cache.
ARG BASE
ARG VERSION
ARG REVISION=unknown
ARG CREATED=1970-01-01T00:00:00Z
LABEL org.opencontainers.image.title="etcd-upkeep" \
      org.opencontainers.image.description="Backs up, compacts and defragments an etcd cluster in one nightly run that cannot hurt it" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.url="https://github.com/etcd-upkeep/etcd-upkeep" \
      org.opencontainers.image.source="https://github.com/etcd-upkeep/etcd-upkeep" \
      org.opencontainers.image.documentation="https://github.com/etcd-upkeep/etcd-upkeep#readme" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}" \
      org.opencontainers.image.base.name="${BASE}"
