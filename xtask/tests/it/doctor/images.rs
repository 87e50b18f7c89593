//! The Leptos project and its neighbours in the workspace, and Docker.

use super::{case, case_by_hand};

#[test]
fn misspelt_settings() {
    let found = case("leptos", "leptos-project", |patient| {
        patient.workspace.edit("Cargo.toml", "hash-files", "hash_files");
    });
    assert_eq!(found["fix"]["edit"][0]["new"], "hash-files = true\n");
    case_by_hand(
        "leptos",
        "leptos-project",
        |patient| patient.workspace.edit("Cargo.toml", "name = \"fixture\"\n", ""),
        |patient| {
            let header = "[[workspace.metadata.leptos]]\n";
            patient.workspace.edit("Cargo.toml", header, &format!("{header}name = \"fixture\"\n"));
        },
    );
    case("leptos", "xtask-metadata", |patient| {
        let manifest = patient.workspace.read("Cargo.toml");
        patient
            .workspace
            .write("Cargo.toml", &format!("{manifest}\n[workspace.metadata.xtask]\nbase_image = \"x\"\n"));
    });
    let found = case("leptos", "railway-toml", |patient| {
        patient.workspace.write("railway.toml", "[deploy]\nhealthCheckPath = \"/health\"\n");
    });
    assert_eq!(found["fix"]["edit"][0]["file"], "railway.toml");
    case_by_hand(
        "leptos",
        "railway-toml-build",
        |patient| patient.workspace.write("railway.toml", "[build]\nbuilder = \"DOCKERFILE\"\n"),
        |patient| patient.workspace.write("railway.toml", "[deploy]\n"),
    );
}

#[test]
fn dockerfiles() {
    let write = |patient: &super::Patient, text: &str| patient.workspace.write("Dockerfile.production", text);
    let copying = "FROM scratch\nCOPY --from=builder /app /app";
    case("leptos", "image-lacks-hash-files", |patient| write(patient, copying));
    let closed = format!("{copying}\n");
    let found = case("leptos", "image-listens-on-loopback", |patient| write(patient, &closed));
    assert_eq!(found["fix"]["edit"][0]["new"], "ENV LEPTOS_SITE_ADDR=0.0.0.0:3000\n");
    case("leptos", "dockerignore-lacks-target", |patient| write(patient, "FROM scratch\nCOPY . .\n"));
    case("leptos", "dockerignore-lacks-target", |patient| {
        write(patient, "FROM scratch\nCOPY . .\n");
        patient.workspace.write(".dockerignore", ".git");
    });
}

#[test]
fn docker_and_its_parts() {
    case_by_hand(
        "docker",
        "docker-missing",
        |patient| patient.bare(&["sh", "rustc", "cargo"]),
        |patient| drop(patient.program("docker", "echo '{\"Version\": \"27\"}'")),
    );
    let old = "[ \"$1\" = buildx ] && { echo \"docker: 'buildx' is not a docker command.\" >&2; exit 1; }\n\
               echo '{\"Version\": \"27\"}'";
    case_by_hand(
        "docker",
        "buildx-missing",
        |patient| drop(patient.program("docker", old)),
        |patient| drop(patient.program("docker", "echo '{\"Version\": \"27\"}'")),
    );
    // The real client where there is one: without its engine, and with an address where none is.
    let started = "[ -e \"$HOME/started\" ] || { echo 'Cannot connect to the Docker daemon' >&2; exit 1; }\n\
                   echo '{\"Version\": \"27\"}'";
    case("docker", "docker-engine-silent", |patient| {
        patient.program("docker", started);
        patient.program("sudo", "[ \"$*\" = 'systemctl start docker' ] && : > \"$HOME/started\"");
        patient.program("open", ": > \"$HOME/started\"");
    });
    let answers = crate::registry::is_there("docker")
        && std::process::Command::new("docker")
            .arg("info")
            .output()
            .is_ok_and(|output| output.status.success());
    if answers {
        case("docker", "docker-engine-silent", |patient| {
            patient.set("DOCKER_HOST", "unix:///gone/docker.sock")
        });
    } else {
        crate::support::skipped("no Docker engine answers");
    }
}

#[test]
fn dockers_configuration() {
    let write = |patient: &super::Patient, text: &str| {
        std::fs::create_dir_all(patient.home().join("docker")).unwrap();
        std::fs::write(patient.home().join("docker/config.json"), text).unwrap();
    };
    let secret = "\"auths\": {\"r.example\": {\"auth\": \"bWU6aHVudGVyMg==\"}}";
    let found = case("docker", "credential-helper-missing", |patient| {
        write(patient, &format!("{{{secret},\n  \"credsStore\": \"gone\"}}"));
    });
    assert!(!found.to_string().contains("bWU6"), "{found:#}");
    case("docker", "credential-helper-missing", |patient| {
        write(patient, "{\n \"credHelpers\": {\n  \"ghcr.io\": \"gone-too\"\n }\n}");
    });
    case_by_hand(
        "docker",
        "docker-config-unreadable",
        |patient| write(patient, "{"),
        |patient| write(patient, "{}"),
    );
}
