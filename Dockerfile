# Two images: `--target injector` (the webhook and its command line) and `--target init` (sets up traffic capture).
# The test cluster assembles them without Docker from these very lines (test/harness/cluster/images); it knows few instructions.

FROM node:24-bookworm-slim AS build
WORKDIR /build
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY tsconfig.json ./
COPY scripts scripts
COPY src src
RUN node scripts/build.ts

# No shell and no package manager; runs with a read-only root file system as user 65532.
FROM gcr.io/distroless/nodejs24-debian12:nonroot AS injector
WORKDIR /app
COPY --from=build /build/dist/ ./
# A small young generation, one malloc arena, and of the optimising compilers the last alone: some 60 MiB less, at no cost
# in processor time (docs/benchmarks.md).
ENV NODE_ENV=production NODE_OPTIONS=--max-semi-space-size=8 MALLOC_ARENA_MAX=1
USER 65532:65532
EXPOSE 8443 9090
ENTRYPOINT ["/nodejs/bin/node", "--no-maglev", "/app/sidecar-injector.mjs"]
CMD ["serve"]

# iptables in both variants, nftables by itself, and the script that loads and tries the rules (Debian brings Perl).
FROM debian:bookworm-slim AS init
RUN apt-get update \
 && apt-get install -y --no-install-recommends iptables nftables iproute2 \
 && rm -rf /var/lib/apt/lists/*
COPY --chmod=0755 deploy/images/capture.sh /usr/local/bin/capture
COPY --chmod=0755 deploy/images/try-connection.pl /usr/local/bin/try-connection.pl
ENTRYPOINT ["/usr/local/bin/capture"]
