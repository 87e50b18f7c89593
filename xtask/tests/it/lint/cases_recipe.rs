//! How the image is made: what breaks the rules about pins, cooks, layers and the compile cache.

use super::{Case, DOCKERFILE, MANIFEST, WORKFLOW};

/// Two builders in one: no cook, no compile cache.
const SIMPLE: &str = "FROM docker.io/library/rust:1.95.0-slim-trixie@sha256:1111111111111111111111111111111111111111111111111111111111111111 AS builder\n\
    WORKDIR /app\nRUN rustup target add wasm32-unknown-unknown && cargo install --locked cargo-leptos@0.3.10\n\
    COPY . .\nRUN cargo leptos build --release\n\
    FROM gcr.io/distroless/cc-debian13:nonroot@sha256:2222222222222222222222222222222222222222222222222222222222222222\n\
    LABEL org.opencontainers.image.source=https://github.com/owner/app\nWORKDIR /app\n\
    COPY --from=builder /app/target/release/server /app/target/release/hash.txt ./\nCOPY --from=builder /app/target/site site\n\
    ENV LEPTOS_OUTPUT_NAME=site LEPTOS_SITE_ROOT=site LEPTOS_SITE_ADDR=0.0.0.0:3000 LEPTOS_HASH_FILES=true LEPTOS_ENV=PROD\n\
    ENTRYPOINT [\"/app/server\"]\n";

const NO_SECRETS: super::Edit = (
    WORKFLOW,
    "          secret-envs: |\n            aws_access_key_id=AWS_ACCESS_KEY_ID\n            aws_secret_access_key=AWS_SECRET_ACCESS_KEY\n            aws_session_token=AWS_SESSION_TOKEN\n",
    "",
);

/// Where the build begins.
const BUILD: &str = "COPY . .\nRUN --mount=type=cache,target=/usr/local/cargo/registry";
const FIRST_COOK: &str =
    "if sccache --start-server; then export RUSTC_WRAPPER=sccache; fi; \\\n    cargo chef cook";
const CHEF_ENV: &str = "ENV LEPTOS_OUTPUT_NAME=site\n\n";
const TAKEN: &str = "COPY --from=builder /app/target/release/server /app/target/release/hash.txt ./\nCOPY --from=builder /app/target/site site\n";
const TAKEN_OUT: &str =
    "COPY --from=builder /out/server /out/hash.txt ./\nCOPY --from=builder /out/site site\n";
const LEPTOS: &str = "cargo leptos build --release --precompress \\\n";

pub const CASES: &[Case] = &[
    ("dockerfile-syntax", &[(DOCKERFILE, "USER 65532:65532\n", "USER 65532:65532\nRUM x\n")]),
    ("dockerfile-syntax", &[("deploy/other.Dockerfile", "*", "RUN <<EOF\nnever\n")]),
    ("syntax-line", &[(DOCKERFILE, "# Both halves", "# syntax=docker/dockerfile:1\n# Both halves")]),
    (
        "base-floating",
        &[(
            DOCKERFILE,
            "1.95.0-slim-trixie@sha256:1111111111111111111111111111111111111111111111111111111111111111",
            "latest",
        )],
    ),
    (
        "base-floating",
        &[(
            DOCKERFILE,
            "COPY --from=builder /app/target/site site\n",
            "COPY --from=builder /app/target/site site\nCOPY --from=busybox /bin/wget /bin/\n",
        )],
    ),
    (
        "base-without-digest",
        &[(DOCKERFILE, "@sha256:2222222222222222222222222222222222222222222222222222222222222222", "")],
    ),
    ("tool-unpinned", &[(DOCKERFILE, "cargo-chef@0.1.78", "cargo-chef")]),
    ("tool-unpinned", &[(DOCKERFILE, "RUN rustup target", "RUN npm install -g sass\nRUN rustup target")]),
    (
        "tool-unpinned",
        &[(
            DOCKERFILE,
            "RUN rustup target",
            "RUN curl -fsSL https://example.org/releases/latest/x | sha256sum -c\nRUN rustup target",
        )],
    ),
    (
        "toolchain-floating",
        &[(DOCKERFILE, "RUN rustup target", "RUN rustup toolchain install nightly\nRUN rustup target")],
    ),
    ("toolchain-floating", &[("rust-toolchain.toml", "\"1.95.0\"", "\"stable\"")]),
    (
        "download-unverified",
        &[(
            DOCKERFILE,
            "RUN rustup target",
            "RUN curl -fsSL https://example.org/x.sh | sh\nRUN rustup target",
        )],
    ),
    (
        "download-unverified",
        &[(DOCKERFILE, "RUN rustup target", "ADD https://example.org/x.tar /x/\nRUN rustup target")],
    ),
    ("install-unlocked", &[(DOCKERFILE, "cargo install --locked", "cargo install")]),
    ("wasm-bindgen-version", &[(DOCKERFILE, "sccache@0.16.0", "sccache@0.16.0 wasm-bindgen-cli@0.2.106")]),
    ("wasm-bindgen-version", &[(DOCKERFILE, "sccache@0.16.0", "sccache@0.16.0 wasm-bindgen-cli")]),
    (
        "wasm-bindgen-version",
        &[(DOCKERFILE, CHEF_ENV, "ENV LEPTOS_OUTPUT_NAME=site LEPTOS_WASM_BINDGEN_VERSION=0.2.106\n\n")],
    ),
    ("cargo-leptos-old", &[(DOCKERFILE, "cargo-leptos@0.3.10", "cargo-leptos@0.2.5")]),
    ("runtime-glibc-older", &[(DOCKERFILE, "cc-debian13", "cc-debian12")]),
    (
        "runtime-glibc-older",
        &[(DOCKERFILE, "1.95.0-slim-trixie", "1.95.0"), (DOCKERFILE, "cc-debian13", "cc-debian12")],
    ),
    ("runtime-libraries-missing", &[(DOCKERFILE, "cc-debian13", "base-debian13")]),
    ("runtime-libraries-missing", &[(DOCKERFILE, "cc-debian13", "static-debian13")]),
    (
        "runtime-libraries-missing",
        &[(DOCKERFILE, "gcr.io/distroless/cc-debian13:nonroot", "docker.io/alpine:3.22")],
    ),
    (
        "openssl-headers-missing",
        &[("Cargo.lock", "", "\n[[package]]\nname = \"openssl-sys\"\nversion = \"0.9.110\"\n")],
    ),
    (
        "cook-target-mount",
        &[(
            DOCKERFILE,
            "RUN --mount=type=cache,target=/usr/local/cargo/registry",
            "RUN --mount=type=cache,target=/app/target --mount=type=cache,target=/usr/local/cargo/registry",
        )],
    ),
    (
        "build-hides-cook",
        &[
            (
                DOCKERFILE,
                BUILD,
                "COPY . .\nRUN --mount=type=cache,target=target --mount=type=cache,target=/usr/local/cargo/registry",
            ),
            (
                DOCKERFILE,
                LEPTOS,
                "cargo leptos build --release && cp -r target/release/server target/release/hash.txt target/site /out/ \\\n",
            ),
            (DOCKERFILE, TAKEN, TAKEN_OUT),
        ],
    ),
    ("copy-before-cook", &[(DOCKERFILE, "ARG SCCACHE_BUCKET\n", "ARG SCCACHE_BUCKET\nCOPY . .\n")]),
    (
        "copy-before-cook",
        &[(DOCKERFILE, "ARG SCCACHE_BUCKET\n", "ARG SCCACHE_BUCKET\nCOPY ./crates crates\n")],
    ),
    (
        "copy-before-cook",
        &[(DOCKERFILE, "ARG SCCACHE_BUCKET\n", "ARG SCCACHE_BUCKET\nCOPY front server ./\n")],
    ),
    (
        "cook-front-missing",
        &[(
            DOCKERFILE,
            "    && cargo chef cook --release --recipe-path recipe.json -p front --no-default-features --features hydrate \\\n        --target wasm32-unknown-unknown --target-dir target/front \\\n",
            "",
        )],
    ),
    (
        "cook-server-missing",
        &[(
            DOCKERFILE,
            "    cargo chef cook --release --recipe-path recipe.json -p server --no-default-features --features ssr \\\n    && cargo",
            "    cargo",
        )],
    ),
    (
        "cook-unused",
        &[
            (
                DOCKERFILE,
                BUILD,
                "FROM chef AS other\nARG SCCACHE_BUCKET\nCOPY . .\nRUN --mount=type=cache,target=/usr/local/cargo/registry",
            ),
            (
                DOCKERFILE,
                TAKEN,
                "COPY --from=other /app/target/release/server /app/target/release/hash.txt ./\nCOPY --from=other /app/target/site site\n",
            ),
        ],
    ),
    ("prepare-with-bin", &[(DOCKERFILE, "cargo chef prepare", "cargo chef prepare --bin server")]),
    ("cook-without-package", &[(DOCKERFILE, "-p front ", "")]),
    ("cook-profile-differs", &[(DOCKERFILE, "cook --release", "cook")]),
    (
        "cook-profile-differs",
        &[(MANIFEST, "hash-files = true", "hash-files = true\nlib-profile-release = \"wasm\"")],
    ),
    ("cook-features-differ", &[(DOCKERFILE, "--no-default-features --features ssr", "--features ssr")]),
    ("cook-features-differ", &[(DOCKERFILE, "--features hydrate", "--features ssr")]),
    (
        "cook-target-differs",
        &[
            (
                MANIFEST,
                "hash-files = true",
                "hash-files = true\nbin-target-triple = \"x86_64-unknown-linux-gnu\"",
            ),
            (
                DOCKERFILE,
                TAKEN,
                "COPY --from=builder /app/target/x86_64-unknown-linux-gnu/release/server /app/target/x86_64-unknown-linux-gnu/release/hash.txt ./\nCOPY --from=builder /app/target/site site\n",
            ),
        ],
    ),
    ("cook-target-dir-differs", &[(DOCKERFILE, " --target-dir target/front", "")]),
    ("cook-package-differs", &[(DOCKERFILE, "-p server", "-p servers")]),
    (
        "cook-directory-differs",
        &[
            (
                DOCKERFILE,
                BUILD,
                "WORKDIR /src\nCOPY . .\nRUN --mount=type=cache,target=/usr/local/cargo/registry",
            ),
            (
                DOCKERFILE,
                TAKEN,
                "COPY --from=builder /src/target/release/server /src/target/release/hash.txt ./\nCOPY --from=builder /src/target/site site\n",
            ),
        ],
    ),
    ("cook-toolchain-differs", &[(DOCKERFILE, "cargo leptos build", "cargo +1.94.0 leptos build")]),
    // Nobody copies the file, so that the first cook has the compiler of the base.
    ("cook-toolchain-differs", &[("rust-toolchain.toml", "\"1.95.0\"", "\"1.94.0\"")]),
    // Where the repository names a channel, rustup's default is of no account.
    (
        "cook-toolchain-differs",
        &[
            ("rust-toolchain.toml", "channel = \"1.95.0\"\n", ""),
            (
                DOCKERFILE,
                BUILD,
                "RUN rustup default 1.94.0\nCOPY . .\nRUN --mount=type=cache,target=/usr/local/cargo/registry",
            ),
        ],
    ),
    (
        "cook-environment-differs",
        &[(
            DOCKERFILE,
            BUILD,
            "ENV CC=clang\nCOPY . .\nRUN --mount=type=cache,target=/usr/local/cargo/registry",
        )],
    ),
    (
        "rustflags-differ",
        &[(
            DOCKERFILE,
            BUILD,
            "ENV RUSTFLAGS=\"-C target-cpu=native\"\nCOPY . .\nRUN --mount=type=cache,target=/usr/local/cargo/registry",
        )],
    ),
    ("cook-without-output-name", &[(DOCKERFILE, CHEF_ENV, "\n")]),
    ("dependencies-uncached", &[(DOCKERFILE, "*", SIMPLE), NO_SECRETS]),
    (
        "target-mount",
        &[
            (DOCKERFILE, "*", SIMPLE),
            NO_SECRETS,
            (
                DOCKERFILE,
                "RUN cargo leptos build --release",
                "RUN --mount=type=cache,target=/app/target cargo leptos build --release && cp -r target/site target/release/server target/release/hash.txt /out/",
            ),
            (DOCKERFILE, TAKEN, TAKEN_OUT),
        ],
    ),
    (
        "copy-from-cache-mount",
        &[
            (
                DOCKERFILE,
                BUILD,
                "COPY . .\nRUN --mount=type=cache,target=/out --mount=type=cache,target=/usr/local/cargo/registry",
            ),
            (
                DOCKERFILE,
                LEPTOS,
                "cargo leptos build --release && cp -r target/release/server target/release/hash.txt target/site /out/ \\\n",
            ),
            (DOCKERFILE, TAKEN, TAKEN_OUT),
        ],
    ),
    (
        "apt-without-cleanup",
        &[(
            DOCKERFILE,
            "RUN rustup target",
            "RUN apt-get update && apt-get install --no-install-recommends -y pkg-config\nRUN rustup target",
        )],
    ),
    (
        "sccache-split",
        &[(DOCKERFILE, "FROM ${BASE_IMAGE}", "RUN sccache --show-stats || true\n\nFROM ${BASE_IMAGE}")],
    ),
    ("sccache-fatal", &[(DOCKERFILE, "&& { sccache --show-stats || true; }", "&& sccache --show-stats")]),
    ("wrapper-in-env", &[(DOCKERFILE, CHEF_ENV, "ENV LEPTOS_OUTPUT_NAME=site RUSTC_WRAPPER=sccache\n\n")]),
    (
        "wrapper-after-cook",
        &[(DOCKERFILE, FIRST_COOK, "sccache --start-server || true; \\\n    cargo chef cook")],
    ),
    (
        "sccache-without-credentials",
        &[(
            DOCKERFILE,
            "    --mount=type=cache,target=/usr/local/cargo/git \\\n    --mount=type=secret,id=aws_access_key_id,env=AWS_ACCESS_KEY_ID \\\n    --mount=type=secret,id=aws_secret_access_key,env=AWS_SECRET_ACCESS_KEY \\\n    --mount=type=secret,id=aws_session_token,env=AWS_SESSION_TOKEN \\\n",
            "    --mount=type=cache,target=/usr/local/cargo/git \\\n",
        )],
    ),
    (
        "cache-secret-required",
        &[(DOCKERFILE, "env=AWS_SESSION_TOKEN", "env=AWS_SESSION_TOKEN,required=true")],
    ),
    (
        "session-token-missing",
        &[(DOCKERFILE, "    --mount=type=secret,id=aws_session_token,env=AWS_SESSION_TOKEN \\\n", "")],
    ),
];
