# Nezuko in a container: built in one image, run in a slim one with the binary and the libraries it names.
# Both bases can be replaced, so that it also builds from images of your own.
ARG BUILD_IMAGE=swift:6.3-bookworm
ARG RUNTIME_IMAGE=debian:bookworm-slim

FROM ${BUILD_IMAGE} AS build
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
        libcurl4-openssl-dev libnghttp2-dev libpq-dev libsqlite3-dev libssl-dev pkg-config zlib1g-dev \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /source
# The manifest first: it seldom changes. It names tests and benchmarks too, so their folders have to be there.
COPY Package.swift ./
COPY Benchmarks ./Benchmarks
COPY Tests ./Tests
COPY Sources ./Sources
COPY scripts/build ./scripts/
ARG REVISION=unknown
RUN install -D -s -m 755 "$(scripts/build nezuko -Xcc "-DNEZUKO_REVISION=${REVISION}")" /out/nezuko

FROM ${RUNTIME_IMAGE} AS runtime
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Nezuko" \
      org.opencontainers.image.description="Telegram bot that lets only subscribers of your channels write in your group" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
        ca-certificates libcurl4 libnghttp2-14 libpq5 libsqlite3-0 libssl3 libstdc++6 tzdata \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/cache/ldconfig/* /var/log/* \
    && useradd --uid 10001 --user-group --no-create-home --home-dir /data --shell /usr/sbin/nologin nezuko \
    && install -d -o 10001 -g 10001 -m 700 /data
COPY --from=build /out/nezuko /usr/local/bin/nezuko

# Clear HTTP for the proxy that ends TLS; metrics and probes on 9090, which is not for the outside.
ENV ENVIRONMENT=production \
    STATE_DIR=/data \
    LISTEN=http://0.0.0.0:8080 \
    METRICS_HOST=0.0.0.0
USER 10001:10001
WORKDIR /data
VOLUME ["/data"]
EXPOSE 8080 9090
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=15s --retries=3 \
    CMD ["/usr/local/bin/nezuko", "health"]
ENTRYPOINT ["/usr/local/bin/nezuko"]
CMD ["serve"]
