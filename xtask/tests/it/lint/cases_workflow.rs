//! Workflows: what breaks the rules about rights, secrets, caches and deployments.

use super::{Case, WORKFLOW};

const DEPLOY: &str = "      - run: cargo xtask deploy";
const BY_DIGEST: &str = "      - run: cargo xtask deploy --image \"ghcr.io/owner/app@$DIGEST\"\n        env:\n          DIGEST: ${{ needs.image.outputs.digest }}\n";

pub const CASES: &[Case] = &[
    (
        "action-unpinned",
        &[(
            WORKFLOW,
            "actions/checkout@1111111111111111111111111111111111111111 # v5.0.0",
            "actions/checkout@v5",
        )],
    ),
    (
        "permissions-missing",
        &[
            (WORKFLOW, "permissions: {}\n", ""),
            (
                WORKFLOW,
                "    timeout-minutes: 15\n    permissions:\n      contents: read\n",
                "    timeout-minutes: 15\n",
            ),
        ],
    ),
    ("checkout-keeps-token", &[(WORKFLOW, "        with:\n          persist-credentials: false\n", "")]),
    ("job-without-timeout", &[(WORKFLOW, "    timeout-minutes: 15\n", "")]),
    ("secret-in-run", &[(WORKFLOW, "run: echo \"$TOKEN\"", "run: echo \"${{ secrets.GITHUB_TOKEN }}\"")]),
    (
        "user-text-in-run",
        &[(
            WORKFLOW,
            DEPLOY,
            "      - run: echo \"${{ github.event.head_commit.message }}\"\n      - run: cargo xtask deploy",
        )],
    ),
    (
        "secret-in-build-arg",
        &[(
            WORKFLOW,
            "            SCCACHE_BUCKET=cache\n",
            "            SCCACHE_BUCKET=cache\n            TOKEN=${{ secrets.GITHUB_TOKEN }}\n",
        )],
    ),
    (
        "secret-in-build-arg",
        &[(
            WORKFLOW,
            DEPLOY,
            "      - run: docker build --build-arg API_KEY=\"$KEY\" .\n      - run: cargo xtask deploy",
        )],
    ),
    (
        "build-secret-malformed",
        &[(
            WORKFLOW,
            "          secret-envs: |\n            aws_access_key_id=AWS_ACCESS_KEY_ID\n",
            "          secrets: |\n            \"aws_access_key_id=KEY=${{ env.A }},SECRET=${{ env.B }}\"\n          secret-envs: |\n",
        )],
    ),
    ("build-secret-unused", &[(WORKFLOW, "aws_session_token=", "aws_token=")]),
    (
        "build-secret-unused",
        &[(
            WORKFLOW,
            DEPLOY,
            "      - run: docker buildx build --secret id=other,env=OTHER .\n      - run: cargo xtask deploy",
        )],
    ),
    ("login-password-argv", &[(WORKFLOW, "--password-stdin", "-p \"$TOKEN\"")]),
    (
        "secrets-on-pull-request",
        &[(
            WORKFLOW,
            "          context: .\n",
            "          context: .\n          github-token: ${{ secrets.OTHER_TOKEN }}\n",
        )],
    ),
    (
        "aws-long-lived-keys",
        &[(
            WORKFLOW,
            "role-to-assume: arn:aws:iam::000000000000:role/cache",
            "aws-access-key-id: ${{ secrets.KEY_ID }}\n          aws-secret-access-key: ${{ secrets.KEY }}",
        )],
    ),
    (
        "cache-to-missing",
        &[(WORKFLOW, "          cache-to: type=registry,ref=ghcr.io/owner/app:cache,mode=max\n", "")],
    ),
    (
        "cache-to-missing",
        &[(
            WORKFLOW,
            DEPLOY,
            "      - run: docker buildx build --cache-from type=gha .\n      - run: cargo xtask deploy",
        )],
    ),
    ("cache-to-without-max", &[(WORKFLOW, ",mode=max", "")]),
    (
        "buildkit-floating",
        &[(
            WORKFLOW,
            "moby/buildkit:v0.25.2@sha256:3333333333333333333333333333333333333333333333333333333333333333",
            "moby/buildkit:latest",
        )],
    ),
    (
        "railway-webhook",
        &[(
            WORKFLOW,
            DEPLOY,
            "      - run: curl -X POST \"$RAILWAY_WEBHOOK_URL\"\n      - run: cargo xtask deploy",
        )],
    ),
    (
        "railway-redeploy",
        &[(WORKFLOW, DEPLOY, "      - run: railway redeploy --yes\n      - run: cargo xtask deploy")],
    ),
    (
        "railway-redeploy",
        &[(
            WORKFLOW,
            DEPLOY,
            "      - run: |\n          curl -d 'mutation { serviceInstanceRedeploy }' \"$URL\"\n      - run: cargo xtask deploy",
        )],
    ),
    (
        "railway-update-without-deploy",
        &[(
            WORKFLOW,
            DEPLOY,
            "      - run: |\n          curl -d 'mutation { serviceInstanceUpdate }' \"$URL\"\n      - run: cargo xtask deploy",
        )],
    ),
    (
        "deploy-without-digest",
        &[(
            WORKFLOW,
            BY_DIGEST,
            "      - run: cargo xtask deploy --image ghcr.io/owner/app:latest\n        env:\n",
        )],
    ),
    ("deploy-after-failure", &[(WORKFLOW, "    needs: image\n", "")]),
    ("deploy-after-failure", &[(WORKFLOW, "if: github.ref", "if: always() && github.ref")]),
    (
        "deploy-after-failure",
        &[(WORKFLOW, "    timeout-minutes: 60\n", "    timeout-minutes: 60\n    continue-on-error: true\n")],
    ),
    (
        "deploy-without-concurrency",
        &[(
            WORKFLOW,
            "    concurrency:\n      group: deploy-production\n      cancel-in-progress: false\n",
            "",
        )],
    ),
    ("deploy-without-concurrency", &[(WORKFLOW, "cancel-in-progress: false", "cancel-in-progress: true")]),
];
