//! Manifests, cargo's configuration, Railway's file and comments: what breaks the rules about them.

use super::{Case, DOCKERFILE, MANIFEST, RAILWAY};

const CARGO: &str = ".cargo/config.toml";

pub const CASES: &[Case] = &[
    (
        "manifest-unreadable",
        &[(MANIFEST, "\"front\",", "\"front\", \"other\","), ("other/Cargo.toml", "*", "[package\n")],
    ),
    ("metadata-unknown-key", &[(MANIFEST, "hash-files = true", "hash-files = true\nsite_root = \"x\"")]),
    (
        "metadata-package-missing",
        &[
            (MANIFEST, "lib-package = \"front\"", "lib-package = \"frontend\""),
            (DOCKERFILE, "-p front", "-p frontend"),
        ],
    ),
    ("rustc-wrapper-committed", &[(CARGO, "", "[build]\nrustc-wrapper = \"sccache\"\n")]),
    (
        "linker-in-rustflags",
        &[(CARGO, "", "[target.x86_64-unknown-linux-gnu]\nrustflags = [\"-Clink-arg=-fuse-ld=mold\"]\n")],
    ),
    (
        "linker-in-rustflags",
        &[(
            DOCKERFILE,
            "ENV LEPTOS_OUTPUT_NAME=site\n\n",
            "ENV LEPTOS_OUTPUT_NAME=site RUSTFLAGS=-Clink-arg=-fuse-ld=mold\n\n",
        )],
    ),
    ("linker-committed", &[(CARGO, "", "[target.x86_64-unknown-linux-gnu]\nlinker = \"clang\"\n")]),
    ("railway-unknown-key", &[(RAILWAY, "", "[experimental]\nincrementalDeployment = true\n")]),
    ("railway-unknown-key", &[(RAILWAY, "overlapSeconds", "overlapSecond")]),
    ("railway-unknown-key", &[(RAILWAY, "", "[environments.pr.deploy]\nstartCommandx = \"a\"\n")]),
    ("railway-value", &[(RAILWAY, "\"ON_FAILURE\"", "\"SOMETIMES\"")]),
    ("railway-value", &[(RAILWAY, "\"/health\"", "\"health\"")]),
    ("railway-webhook", &[(RAILWAY, "", "deployWebhook = \"https://example.org\"\n")]),
    ("railway-healthcheck-missing", &[(RAILWAY, "healthcheckPath = \"/health\"\n", "")]),
    ("railway-healthcheck-unknown", &[(RAILWAY, "\"/health\"", "\"/api/status\"")]),
    (
        "railway-dockerfile",
        &[(RAILWAY, "", "[build]\nbuilder = \"DOCKERFILE\"\ndockerfilePath = \"Dockerfile.gone\"\n")],
    ),
    ("railway-builds-source", &[(RAILWAY, "", "[build]\nbuilder = \"RAILPACK\"\n")]),
    (
        "railway-cache-mount",
        &[
            (RAILWAY, "", "[build]\nbuilder = \"DOCKERFILE\"\ndockerfilePath = \"Dockerfile.railway\"\n"),
            (
                "Dockerfile.railway",
                "*",
                "ARG IMAGE\nFROM ${IMAGE}\nRUN --mount=type=cache,target=/cache touch /cache/x\n",
            ),
        ],
    ),
    ("railway-no-draining", &[(RAILWAY, "drainingSeconds = 15\n", "")]),
    ("railway-no-draining", &[(RAILWAY, "drainingSeconds = 15\n", "drainingSeconds = 0\n")]),
    ("railway-start-command", &[(RAILWAY, "", "startCommand = \"/app/server --port $PORT\"\n")]),
    ("railway-file-ends", &[(MANIFEST, ", \"xtask\"", "")]),
    ("ignore-without-effect", &[(DOCKERFILE, "USER 65532", "# xtask-lint: ignore=bakes-port\nUSER 65532")]),
    ("ignore-without-effect", &[(CARGO, "", "# xtask-lint: ignore=no-such-rule\n")]),
    ("settings-unreadable", &[(RAILWAY, "", "[\n")]),
    ("settings-unreadable", &[(".github/workflows/other.yml", "*", "on: [push\n")]),
];
