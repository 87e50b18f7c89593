//! Ids, names and tokens: who the one project, environment and service are.

use std::fs::File;
use std::io::Read;

use serde::Serialize;

use crate::options::Options;

/// Something with an id and a name.
#[derive(Clone, Debug, Serialize)]
pub struct Named {
    pub id: String,
    pub name: String,
}

#[derive(Clone, Debug)]
pub struct Identity {
    /// That projects belong to.
    pub workspace: Named,
    pub project: Named,
    pub environment: Named,
    pub service: Named,
    pub project_token: String,
    pub api_token: String,
}

impl Identity {
    pub fn new(options: &Options) -> Identity {
        let named = |id: &Option<String>, name: &str| Named {
            id: id.clone().unwrap_or_else(uuid),
            name: name.to_owned(),
        };
        Identity {
            workspace: named(&None, "model-workspace"),
            project: named(&options.project_id, &options.project_name),
            environment: named(&options.environment_id, &options.environment_name),
            service: named(&options.service_id, &options.service_name),
            project_token: options.project_token.clone().unwrap_or_else(uuid),
            api_token: options.api_token.clone().unwrap_or_else(uuid),
        }
    }
}

/// A random UUID (version 4), as Railway's ids and tokens are.
pub fn uuid() -> String {
    let mut bytes = [0; 16];
    File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut bytes)).expect("random bytes");
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    [&text[..8], &text[8..12], &text[12..16], &text[16..20], &text[20..]].join("-")
}
