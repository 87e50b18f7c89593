//! A way to a bucket for its owner alone, as Amazon's S3 is one: what is not signed with the account (Signature Version 4)
//! is refused. The stand-in for S3 itself looks at no signature.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use sha2::{Digest, Sha256};

/// An account with its three parts.
#[derive(Clone, Debug)]
pub struct Account {
    pub id: String,
    pub secret: String,
    pub token: String,
}

/// What came by.
#[derive(Debug, Default)]
pub struct Counts {
    /// Objects written with the account.
    pub written: AtomicUsize,
    /// Requests without it.
    pub refused: AtomicUsize,
}

/// A request without its body. Names of headers are in lower case.
struct Head {
    method: String,
    path: String,
    headers: Vec<(String, String)>,
}

impl Head {
    fn read(reader: &mut impl BufRead) -> Option<Head> {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let mut words = line.split_whitespace().map(str::to_owned);
        let mut head = Head { method: words.next()?, path: words.next()?, headers: Vec::new() };
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).ok()?;
            let Some((name, value)) = line.trim_end().split_once(':') else { return Some(head) };
            head.headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// As it is sent on: one request for each connection.
    fn text(&self) -> String {
        let mut text = format!("{} {} HTTP/1.1\r\n", self.method, self.path);
        for (name, value) in self.headers.iter().filter(|(name, _)| name != "connection") {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        text + "connection: close\r\n\r\n"
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// HMAC with SHA-256 (RFC 2104), for keys of no more than a block.
fn hmac(key: &[u8], text: &str) -> Vec<u8> {
    let mut block = [0; 64];
    block[..key.len()].copy_from_slice(key);
    let padded = |pad: u8| block.map(|byte: u8| byte ^ pad).to_vec();
    let inner = Sha256::digest([padded(0x36), text.as_bytes().to_vec()].concat());
    Sha256::digest([padded(0x5c), inner.to_vec()].concat()).to_vec()
}

/// Whether the request has the signature of this access key: AWS's documentation, "Signature Calculations for the
/// Authorization Header". `None` where it has none at all.
fn is_signed(head: &Head, id: &str, secret: &str) -> Option<bool> {
    let given = head.header("authorization")?.strip_prefix("AWS4-HMAC-SHA256 ")?;
    let part =
        |name: &str| given.split(',').find_map(|part| part.trim().strip_prefix(name)?.strip_prefix('='));
    let (signed, signature) = (part("SignedHeaders")?, part("Signature")?);
    let (who, scope) = part("Credential")?.split_once('/')?;
    let (path, query) = head.path.split_once('?').unwrap_or((head.path.as_str(), ""));
    let parameters = query.split('&').filter(|parameter| !parameter.is_empty());
    let mut parameters: Vec<String> = parameters
        .map(|parameter| if parameter.contains('=') { parameter.to_owned() } else { format!("{parameter}=") })
        .collect();
    parameters.sort();
    let headers: Option<String> =
        signed.split(';').map(|name| Some(format!("{name}:{}\n", head.header(name)?))).collect();
    let canonical = format!(
        "{}\n{path}\n{}\n{}\n{signed}\n{}",
        head.method,
        parameters.join("&"),
        headers?,
        head.header("x-amz-content-sha256")?
    );
    let digest = hex(&Sha256::digest(canonical.as_bytes()));
    let text = format!("AWS4-HMAC-SHA256\n{}\n{scope}\n{digest}", head.header("x-amz-date")?);
    let key = scope.split('/').fold(format!("AWS4{secret}").into_bytes(), |key, part| hmac(&key, part));
    // A temporary token is part of what is signed.
    let is_whole = head.header("x-amz-security-token").is_none()
        || signed.split(';').any(|name| name == "x-amz-security-token");
    Some(is_whole && who == id && signature == hex(&hmac(&key, &text)))
}

impl Account {
    fn has_signed(&self, head: &Head) -> bool {
        head.header("x-amz-security-token") == Some(self.token.as_str())
            && is_signed(head, &self.id, &self.secret) == Some(true)
    }
}

/// Lets through to `bucket` what the account has signed, until the bucket is gone.
pub fn gate(listener: TcpListener, bucket: String, account: Account) -> Arc<Counts> {
    let counts = Arc::new(Counts::default());
    let seen = Arc::clone(&counts);
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let Ok(server) = TcpStream::connect(&bucket) else { return };
            let (account, seen) = (account.clone(), Arc::clone(&seen));
            std::thread::spawn(move || pass(&client, &server, &account, &seen));
        }
    });
    counts
}

/// One request. What breaks is for the client to notice.
fn pass(mut client: &TcpStream, mut server: &TcpStream, account: &Account, seen: &Counts) -> Option<()> {
    let mut reader = BufReader::new(client);
    let head = Head::read(&mut reader)?;
    let length = head.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = reader.take(length);
    if account.has_signed(&head) {
        server.write_all(head.text().as_bytes()).ok()?;
        std::io::copy(&mut body, &mut server).ok()?;
        std::io::copy(&mut server, &mut client).ok()?;
        let written = usize::from(head.method == "PUT");
        seen.written.fetch_add(written, Ordering::SeqCst);
    } else {
        std::io::copy(&mut body, &mut std::io::sink()).ok()?;
        let text = "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>";
        let length = text.len();
        let status = "HTTP/1.1 403 Forbidden\r\ncontent-type: application/xml\r\nconnection: close\r\n";
        client.write_all(format!("{status}content-length: {length}\r\n\r\n{text}").as_bytes()).ok()?;
        seen.refused.fetch_add(1, Ordering::SeqCst);
    }
    client.shutdown(Shutdown::Write).ok()
}

/// The example of AWS's documentation.
#[test]
fn amazons_own_signature_and_others() {
    let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    let signature = "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41";
    let text = format!(
        "GET /test.txt HTTP/1.1\r\nHost: examplebucket.s3.amazonaws.com\r\nAuthorization: AWS4-HMAC-SHA256 \
         Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,\
         SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,Signature={signature}\r\nRange: \
         bytes=0-9\r\nx-amz-content-sha256: {empty}\r\nx-amz-date: 20130524T000000Z\r\n\r\n"
    );
    let (id, secret) = ("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY");
    let signed = |text: &str, id: &str, secret: &str| {
        is_signed(&Head::read(&mut text.as_bytes()).unwrap(), id, secret)
    };
    assert_eq!(signed(&text, id, secret), Some(true));
    assert_eq!(signed(&text, id, "another"), Some(false));
    assert_eq!(signed(&text, "another", secret), Some(false));
    assert_eq!(signed(&text.replace("GET /test", "PUT /test"), id, secret), Some(false));
    assert_eq!(signed(&text.replace("Authorization", "Other"), id, secret), None);
    let owner = Account { id: id.to_owned(), secret: secret.to_owned(), token: "token".to_owned() };
    assert!(!owner.has_signed(&Head::read(&mut text.as_bytes()).unwrap()));
}
