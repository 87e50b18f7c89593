//! What a static program still needs of a system: certificates of those whom the internet trusts, a user who is not
//! root, and a folder for temporary files. No time zones: a server that shows times has the browser do it, or brings
//! them along.

use base64ct::{Base64, Encoding};

use super::layer::{Content, File, Files, MODE_FILE};

/// Where programs look for certificates, beside the variable of the next line.
const CERTIFICATES: &str = "etc/ssl/certs/ca-certificates.crt";
/// The environment of such an image, in which libraries that do not know Debian's place are told.
pub const ENVIRONMENT: [&str; 2] =
    ["PATH=/usr/local/bin:/usr/bin:/bin", "SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt"];

/// The ids are those of distroless images.
const USERS: &str = "root:x:0:0:root:/root:/sbin/nologin\n\
                     nonroot:x:65532:65532:nonroot:/app:/sbin/nologin\n";
const GROUPS: &str = "root:x:0:\nnonroot:x:65532:\n";
/// Anybody may write, and delete what is their own.
const MODE_TEMPORARY: u32 = 0o1777;

/// The files of the lowest layer. They are the same on every machine: the certificates are Mozilla's list at the
/// version in our own lock file, not this system's.
pub fn files() -> Files {
    let bytes = |content: Vec<u8>| File { content: Content::Bytes(content), mode: MODE_FILE };
    Files::from([
        ("etc/passwd".to_owned(), bytes(USERS.into())),
        ("etc/group".to_owned(), bytes(GROUPS.into())),
        // Names before addresses of the local file, as everywhere.
        ("etc/nsswitch.conf".to_owned(), bytes(b"hosts: files dns\n".to_vec())),
        (CERTIFICATES.to_owned(), bytes(certificates().into_bytes())),
        ("tmp".to_owned(), File { content: Content::Folder, mode: MODE_TEMPORARY }),
    ])
}

fn certificates() -> String {
    let mut text = String::new();
    for certificate in webpki_root_certs::TLS_SERVER_ROOT_CERTS {
        text.push_str("-----BEGIN CERTIFICATE-----\n");
        let encoded = Base64::encode_string(certificate);
        let mut rest = encoded.as_str();
        while !rest.is_empty() {
            let (line, after) = rest.split_at(rest.len().min(64));
            text.push_str(line);
            text.push('\n');
            rest = after;
        }
        text.push_str("-----END CERTIFICATE-----\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificates_can_be_read_by_others() {
        let text = certificates();
        let blocks: Vec<&str> = text.split("-----BEGIN CERTIFICATE-----\n").skip(1).collect();
        assert!(blocks.len() > 100, "{}", blocks.len());
        for block in blocks {
            let body = block.split("-----END").next().unwrap().replace('\n', "");
            // DER: a sequence with a length of two bytes.
            assert_eq!(Base64::decode_vec(&body).unwrap()[..2], [0x30, 0x82]);
        }
        assert!(text.lines().all(|line| line.len() <= 64));
    }
}
