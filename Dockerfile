# Pollux as an image: one binary, a user of its own, nothing else. docker-compose.yml runs it as a
# cluster; alone, `docker run -p 5000:5000 -v pollux:/var/lib/pollux pollux` is one embedded node.

# The screens, which the binary embeds.
FROM node:24.19.0-bookworm-slim AS web
WORKDIR /src/web
COPY web .
RUN --mount=type=cache,target=/root/.npm npm ci --no-audit --no-fund && WEB_OUT=/web npm run build

# The toolchain is the one that rust-toolchain.toml pins; the file itself stays outside, because it
# would have rustup fetch what only development needs. Both stages below are the same Debian, since the
# binary links its OpenSSL and zlib.
FROM rust:1.95.0-slim-bookworm AS build
RUN apt-get update \
    && apt-get install --yes --no-install-recommends g++ make pkg-config libssl-dev zlib1g-dev \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
COPY --from=web /web /web
ENV POLLUX_WEB_DIST=/web
# What was compiled stays in the caches, so the binary is taken out of them. The screens are as new as this
# build: cargo goes by their time, and a cached layer has an old one.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    find /web -exec touch {} + \
    && cargo build --locked --release --package pollux \
    && install target/release/pollux /usr/local/bin/pollux

FROM debian:bookworm-20260824-slim
# Certificates are for a Kafka or PostgreSQL that speaks TLS under a public authority.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates libssl3 zlib1g \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 5000 --home-dir /var/lib/pollux --create-home pollux
COPY --from=build /usr/local/bin/pollux /usr/local/bin/pollux
USER pollux
WORKDIR /var/lib/pollux
# In a container the loopback is nobody else's.
ENV POLLUX_HOST=0.0.0.0 POLLUX_DATA=/var/lib/pollux POLLUX_URL=http://127.0.0.1:5000
EXPOSE 5000
VOLUME /var/lib/pollux
HEALTHCHECK --interval=5s --timeout=3s --start-period=60s CMD ["pollux", "health"]
ENTRYPOINT ["pollux"]
CMD ["serve"]
