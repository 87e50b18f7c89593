//! The WebSocket protocol (RFC 6455) as far as Leptos' reload script needs it: one handshake, text to the page, and
//! an eye on what the page sends.
//!
//! Written out because it is this little: the crate for the whole protocol takes longer to compile than a quarter of
//! the rest (docs/measurements/watch.md). Knows no sockets, only bytes.

use std::io::{Error, ErrorKind, Read, Result};

use base64ct::{Base64, Encoding};
use sha1::{Digest, Sha1};

/// The address that Leptos' script asks for.
pub const PATH: &str = "/live_reload";
/// The most that a page may send in one frame; its script sends nothing at all. In bytes.
const FRAME_SIZE_MAX: u64 = 64 * 1024;
/// The longest head of a request. In bytes.
const HEAD_SIZE_MAX: usize = 16 * 1024;

const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

/// What a page sent.
#[derive(Debug, PartialEq, Eq)]
pub enum Incoming {
    Close,
    Ping(Vec<u8>),
    /// Nothing that we answer.
    Other,
}

/// Reads the head of a request up to the empty line.
pub fn read_head(stream: &mut impl Read) -> Result<String> {
    let mut head = Vec::new();
    // Byte by byte: what follows belongs to the frames. A head is short, and there is one a page.
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() >= HEAD_SIZE_MAX {
            return Err(Error::new(ErrorKind::InvalidData, "the request's head is too long"));
        }
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}

/// The answer to a request: `Ok` switches to frames, `Err` refuses.
pub fn answer(head: &str) -> std::result::Result<String, String> {
    let refusal = |status: &str| {
        format!(
            "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: 0\r\nsec-websocket-version: 13\r\n\r\n"
        )
    };
    let mut lines = head.split("\r\n");
    let mut words = lines.next().unwrap_or_default().split(' ');
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    if method != "GET" || target.split('?').next() != Some(PATH) {
        return Err(refusal("404 Not Found"));
    }
    let header = |name: &str| {
        lines.clone().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.trim().eq_ignore_ascii_case(name).then(|| value.trim())
        })
    };
    let upgrades = header("upgrade").is_some_and(|value| value.eq_ignore_ascii_case("websocket"));
    match header("sec-websocket-key") {
        Some(key) if upgrades && header("sec-websocket-version") == Some("13") => Ok(format!(
            "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\
             sec-websocket-accept: {}\r\n\r\n",
            accept(key)
        )),
        _ => Err(refusal("426 Upgrade Required")),
    }
}

/// Shows the page that its key was read by something that speaks the protocol.
fn accept(key: &str) -> String {
    let digest = Sha1::digest(format!("{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11"));
    Base64::encode_string(&digest)
}

/// One message of text.
pub fn text(message: &str) -> Vec<u8> {
    frame(1, message.as_bytes())
}

/// The answer to [`Incoming::Ping`].
pub fn pong(payload: &[u8]) -> Vec<u8> {
    frame(PONG, payload)
}

/// The answer to [`Incoming::Close`].
pub fn close() -> Vec<u8> {
    frame(CLOSE, &[])
}

/// A whole message in one frame; a server's frames are not masked.
fn frame(kind: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x80 | kind];
    match payload.len() {
        length @ 0..126 => frame.push(length as u8),
        length @ 126..0x1_0000 => {
            frame.push(126);
            frame.extend_from_slice(&(length as u16).to_be_bytes());
        }
        length => {
            frame.push(127);
            frame.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
    frame.extend_from_slice(payload);
    frame
}

/// Reads one frame of a page. An error is the end of the connection.
pub fn read(stream: &mut impl Read) -> Result<Incoming> {
    let mut start = [0; 2];
    stream.read_exact(&mut start)?;
    let length = match start[1] & 0x7f {
        126 => u64::from(u16::from_be_bytes(bytes(stream)?)),
        127 => u64::from_be_bytes(bytes(stream)?),
        length => u64::from(length),
    };
    if length > FRAME_SIZE_MAX {
        return Err(Error::new(ErrorKind::InvalidData, "the frame is too long"));
    }
    let is_masked = start[1] & 0x80 != 0;
    let mask: [u8; 4] = if is_masked { bytes(stream)? } else { [0; 4] };
    let mut payload = vec![0; length as usize];
    stream.read_exact(&mut payload)?;
    for (byte, mask) in payload.iter_mut().zip(mask.iter().cycle()) {
        *byte ^= mask;
    }
    Ok(match start[0] & 0x0f {
        CLOSE => Incoming::Close,
        PING => Incoming::Ping(payload),
        _ => Incoming::Other,
    })
}

fn bytes<const N: usize>(stream: &mut impl Read) -> Result<[u8; N]> {
    let mut bytes = [0; N];
    stream.read_exact(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const REQUEST: &str = "GET /live_reload HTTP/1.1\r\nHost: 127.0.0.1:3001\r\nUpgrade: WebSocket\r\n\
                           Connection: keep-alive, Upgrade\r\nSec-WebSocket-Version: 13\r\n\
                           Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

    #[test]
    fn the_handshake_of_the_standard() {
        let answer = answer(REQUEST).unwrap();
        assert!(answer.starts_with("HTTP/1.1 101 "), "{answer}");
        // The key and the answer are those of RFC 6455, section 1.3.
        assert!(answer.contains("sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"), "{answer}");
        assert!(answer.ends_with("\r\n\r\n"));
    }

    #[test]
    fn what_is_no_handshake_is_refused() {
        let refused = |from: &str, to: &str| {
            let text = answer(&REQUEST.replace(from, to)).unwrap_err();
            text["HTTP/1.1 ".len()..][..3].to_owned()
        };
        assert_eq!(refused("/live_reload", "/"), "404");
        assert_eq!(refused("GET", "POST"), "404");
        assert_eq!(refused("Version: 13", "Version: 8"), "426");
        assert_eq!(refused("Upgrade: WebSocket", "Accept: text/html"), "426");
        assert_eq!(refused("Sec-WebSocket-Key", "Key"), "426");
        assert_eq!(answer("").unwrap_err()["HTTP/1.1 ".len()..][..3], *"404");
    }

    #[test]
    fn a_head_ends_at_the_empty_line() {
        let mut stream = "GET / HTTP/1.1\r\n\r\nrest".as_bytes();
        assert_eq!(read_head(&mut stream).unwrap(), "GET / HTTP/1.1\r\n\r\n");
        assert_eq!(stream, b"rest");
        read_head(&mut "GET /".as_bytes()).unwrap_err();
        read_head(&mut std::io::repeat(b'x')).unwrap_err();
    }

    #[test]
    fn frames_of_every_length() {
        assert_eq!(text("Hello"), [0x81, 5, b'H', b'e', b'l', b'l', b'o']);
        assert_eq!(text(&"x".repeat(126))[..4], [0x81, 126, 0, 126]);
        assert_eq!(text(&"x".repeat(0x1_0000))[..10], [0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0]);
        assert_eq!(close(), [0x88, 0]);
    }

    #[test]
    fn frames_of_a_page() {
        let read = |bytes: &[u8]| read(&mut &*bytes);
        // "Hello", masked, is in RFC 6455, section 5.7; here as a ping.
        let hello = [0x89, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
        assert_eq!(read(&hello).unwrap(), Incoming::Ping(b"Hello".to_vec()));
        assert_eq!(read(&[0x88, 0x80, 1, 2, 3, 4]).unwrap(), Incoming::Close);
        assert_eq!(read(&[0x81, 0x80, 1, 2, 3, 4]).unwrap(), Incoming::Other);
        read(&hello[..7]).unwrap_err();
        read(&[0x82, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]).unwrap_err();
    }
}
