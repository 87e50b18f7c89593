//! What the image is and holds: what breaks the rules about its user, its address, its variables, its files and secrets.

use super::{Case, DOCKERFILE, MANIFEST, RAILWAY};

/// In two parts, so that nobody's search for leaked keys finds this file.
const KEY: &str = concat!("# AK", "IAABCDEFGHIJKLMNOP\n");

const SITE_AND_MANIFEST: &str =
    "COPY --from=builder /app/target/site site\nCOPY --from=builder /app/Cargo.toml ./\n";

pub const CASES: &[Case] = &[
    ("dockerignore-lacks-target", &[(".dockerignore", "target\n", "")]),
    ("dockerignore-lacks-git", &[(".dockerignore", ".git\n", "")]),
    ("dockerignore-lacks-env", &[(".dockerignore", ".env*\n", "")]),
    ("dockerignore-lacks-env", &[("Dockerfile.dockerignore", "*", "target\n.git\n")]),
    ("secret-in-arg", &[(DOCKERFILE, "ARG SCCACHE_BUCKET\n", "ARG SCCACHE_BUCKET\nARG GITHUB_TOKEN\n")]),
    ("secret-in-env", &[(DOCKERFILE, "LEPTOS_ENV=PROD", "LEPTOS_ENV=PROD \\\n    DB_PASSWORD=hunter2")]),
    ("secret-copied", &[(DOCKERFILE, "USER 65532", "COPY .env ./\nUSER 65532")]),
    (
        "secret-written",
        &[(
            DOCKERFILE,
            "    if sccache --start-server",
            "    echo \"$AWS_ACCESS_KEY_ID\" > /app/key; if sccache --start-server",
        )],
    ),
    ("secret-literal", &[(RAILWAY, "", KEY)]),
    ("runs-as-root", &[(DOCKERFILE, "USER 65532:65532", "USER root")]),
    (
        "runs-as-root",
        &[(DOCKERFILE, "USER 65532:65532\n", ""), (DOCKERFILE, "cc-debian13:nonroot", "cc-debian13")],
    ),
    ("shell-form-command", &[(DOCKERFILE, "ENTRYPOINT [\"/app/server\"]", "ENTRYPOINT /app/server")]),
    (
        "shell-form-command",
        &[(DOCKERFILE, "ENTRYPOINT [\"/app/server\"]", "CMD [\"sh\", \"-c\", \"/app/server\"]")],
    ),
    (
        "healthcheck-tool-missing",
        &[(
            DOCKERFILE,
            "[\"/app/server\", \"--health-check\"]",
            "[\"curl\", \"-f\", \"http://localhost:$PORT/health\"]",
        )],
    ),
    (
        "healthcheck-tool-missing",
        &[(
            DOCKERFILE,
            "CMD [\"/app/server\", \"--health-check\"]",
            "CMD /app/server --health-check || exit 1",
        )],
    ),
    (
        "healthcheck-fixed-port",
        &[(DOCKERFILE, "\"--health-check\"", "\"--ask\", \"http://localhost:3000/health\"")],
    ),
    (
        "source-label-missing",
        &[(DOCKERFILE, "LABEL org.opencontainers.image.source=https://github.com/owner/app\n", "")],
    ),
    ("compiler-in-image", &[(DOCKERFILE, "FROM ${BASE_IMAGE}", "FROM builder")]),
    ("sources-in-image", &[(DOCKERFILE, "USER 65532", "COPY . .\nUSER 65532")]),
    ("bakes-port", &[(DOCKERFILE, "LEPTOS_ENV=PROD", "LEPTOS_ENV=PROD \\\n    PORT=3000")]),
    ("bakes-port", &[("Dockerfile.railway", "*", "ARG IMAGE\nFROM ${IMAGE}\nENV PORT=3000\n")]),
    ("listens-on-loopback", &[(DOCKERFILE, "0.0.0.0:3000", "127.0.0.1:3000")]),
    ("listens-on-loopback", &[(DOCKERFILE, "    LEPTOS_SITE_ADDR=0.0.0.0:3000 \\\n", "")]),
    ("listens-on-loopback", &[(DOCKERFILE, "LEPTOS_SITE_ADDR=0.0.0.0:3000", "HOST=localhost")]),
    ("port-ignored", &[("server/src/main.rs", "\"PORT\"", "\"OTHER\"")]),
    ("leptos-environment-incomplete", &[(DOCKERFILE, "ENV LEPTOS_OUTPUT_NAME=site \\\n    ", "ENV ")]),
    (
        "leptos-environment-missing",
        &[
            (DOCKERFILE, "ENV LEPTOS_OUTPUT_NAME=site\n\nFROM", "\nFROM"),
            (
                DOCKERFILE,
                "cargo leptos build --release --precompress",
                "cargo build --release -p server --no-default-features --features ssr && cargo build --release -p front \
                 --no-default-features --features hydrate --target wasm32-unknown-unknown --target-dir target/front",
            ),
            (DOCKERFILE, "ENV LEPTOS_OUTPUT_NAME=site \\\n    ", "ENV "),
        ],
    ),
    ("leptos-environment-missing", &[(DOCKERFILE, "    LEPTOS_SITE_ROOT=site \\\n", "")]),
    (
        "leptos-environment-mismatch",
        &[(DOCKERFILE, "LEPTOS_OUTPUT_NAME=site \\\n", "LEPTOS_OUTPUT_NAME=other \\\n")],
    ),
    ("leptos-environment-mismatch", &[(DOCKERFILE, "LEPTOS_SITE_PKG_DIR=pkg", "LEPTOS_SITE_PKG_DIR=assets")]),
    ("leptos-env-not-production", &[(DOCKERFILE, "LEPTOS_ENV=PROD", "LEPTOS_ENV=DEV")]),
    ("leptos-env-not-production", &[(DOCKERFILE, " \\\n    LEPTOS_ENV=PROD", "")]),
    ("hash-files-unset", &[(DOCKERFILE, "    LEPTOS_HASH_FILES=true \\\n", "")]),
    (
        "hash-files-unset",
        &[
            ("server/src/main.rs", "fn main() {", "fn main() {\n    let conf = get_configuration(None);"),
            (DOCKERFILE, "COPY --from=builder /app/target/site site\n", SITE_AND_MANIFEST),
            (DOCKERFILE, "    LEPTOS_HASH_FILES=true \\\n", ""),
        ],
    ),
    (
        "leptos-manifest-missing",
        &[(
            "server/src/main.rs",
            "fn main() {",
            "fn main() {\n    let conf = get_configuration(Some(\"Cargo.toml\"));",
        )],
    ),
    ("hash-files-unset", &[(DOCKERFILE, "LEPTOS_HASH_FILES=true", "LEPTOS_HASH_FILES=false")]),
    (
        "binary-path-mismatch",
        &[(DOCKERFILE, "ENTRYPOINT [\"/app/server\"]", "ENTRYPOINT [\"/app/site-server\"]")],
    ),
    (
        "binary-path-mismatch",
        &[
            (MANIFEST, "hash-files = true", "hash-files = true\nbin-profile-release = \"production\""),
            (
                DOCKERFILE,
                "cook --release --recipe-path recipe.json -p server",
                "cook --profile production --recipe-path recipe.json -p server",
            ),
        ],
    ),
    (
        "binary-path-mismatch",
        &[
            (DOCKERFILE, "/app/target/release/server", "/app/target/release/leptos_start"),
            (
                DOCKERFILE,
                "[\"/app/server\", \"--health-check\"]",
                "[\"/app/leptos_start\", \"--health-check\"]",
            ),
            (DOCKERFILE, "ENTRYPOINT [\"/app/server\"]", "ENTRYPOINT [\"/app/leptos_start\"]"),
        ],
    ),
    ("site-path-mismatch", &[(DOCKERFILE, "LEPTOS_SITE_ROOT=site", "LEPTOS_SITE_ROOT=public")]),
    ("site-path-mismatch", &[(DOCKERFILE, "/app/target/site site", "/app/target/site /srv/")]),
    ("hash-file-not-copied", &[(DOCKERFILE, " /app/target/release/hash.txt ./", " ./")]),
];
