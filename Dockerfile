# By digest: a tag is moved, and two builds of one commit would not be the same. It is that of the index for all
# platforms; CONTRIBUTING.md says how to take a newer one. --build-arg BASE=... names another base.
ARG BASE=docker.io/library/node:24.21.0-bookworm-slim@sha256:d6aa754f16b3197301076f047b5def2f02ea1dbbc2ca920407d46d7ec7f87b20
# The one in package.json, which is what the job itself tells; the build fails where they differ.
ARG VERSION=0.1.0

FROM ${BASE} AS build
ENV NODE_ENV=production
WORKDIR /app
COPY package.json package-lock.json ./
# Install scripts are for development only. Types and source maps are never read at run time, and a lock file that
# names development dependencies makes scanners report packages that are not here.
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund --no-update-notifier \
 && rm -rf package-lock.json node_modules/.bin node_modules/@types node_modules/undici-types \
 && find node_modules -type f \( -name '*.map' -o -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' \) -delete
COPY LICENSE ./
COPY src src
# A run that finds no etcd (exit code 3) loads what a real one loads and leaves it compiled: runs then start in half the
# time. Node keeps a folder for each uid and cannot make one at run time; these are the uids that the chart uses. Any
# other uid, and a processor with other features than the one that built this, starts as it would without.
# Everyone may read and only root may write, whatever the modes in the folder that this is built from.
RUN ETCDCTL_ENDPOINTS=http://127.0.0.1:1 ETCDCTL_DIAL_TIMEOUT=1s NODE_COMPILE_CACHE=/app/.compile-cache \
    node src/main.ts; test $? -eq 3 \
 && cd .compile-cache && for folder in *-0; do ln -s "$folder" "${folder%-0}-65532"; done \
 && chmod -R a+rX,go-w /app
ARG VERSION
RUN told=$(node -p 'require("./package.json").version') && test "$VERSION" = "$told" \
 || { echo "VERSION is $VERSION and package.json says $told: make them one" >&2; exit 1; }

FROM ${BASE}
# Package managers have no place in a container that runs, and scanners report what is wrong with them. Node complains
# on stderr where there is no folder for the system's CA certificates. The command by its name is for kubectl exec. Docker
# gives a new volume the mode of the folder that it lies on: whoever runs the container may write to one on /drill.
RUN rm -rf /usr/local/lib/node_modules /usr/local/bin/npm /usr/local/bin/npx /usr/local/bin/corepack \
           /usr/local/bin/yarn /usr/local/bin/yarnpkg /opt/yarn-* \
 && mkdir -p /etc/ssl/certs \
 && mkdir -m 1777 /drill \
 && printf '#!/bin/sh\nexec node --disable-sigusr1 /app/src/main.ts "$@"\n' > /usr/local/bin/etcd-upkeep \
 && chmod 0755 /usr/local/bin/etcd-upkeep
ENV NODE_ENV=production NODE_COMPILE_CACHE=/app/.compile-cache
WORKDIR /app
COPY --from=build /app /app
# A number, so that Kubernetes can tell that it is not root.
USER 65532:65532
# On SIGUSR1 Node would open its inspector: on the host's network anybody on the node could then run code in here.
ENTRYPOINT ["node", "--disable-sigusr1", "src/main.ts"]
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
