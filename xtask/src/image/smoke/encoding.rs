//! Whether files that compress well are sent compressed to browsers that say they take it, and are the same afterwards.

use std::io::Read;

use super::page::Kind;
use super::served::{self, Place};
use crate::exec::Executor;

/// What every browser of today sends.
const ACCEPTED: &str = "gzip, deflate, br, zstd";
/// A smaller file fits into one packet either way. In bytes.
const SIZE_MIN: usize = 1400;
/// More than any site file has: what unpacks to more is not looked at. In bytes.
const UNPACKED_MAX: u64 = 256 << 20;

/// A file that was served without compression: its path and its content.
pub struct Plain {
    pub kind: Kind,
    pub path: String,
    pub content: Vec<u8>,
}

/// Asks for each file again as a browser would. `Err` has every problem, `Ok` the sizes; `None` where all files are
/// small.
pub fn look(
    exec: &Executor,
    place: &Place,
    files: &[Plain],
) -> anyhow::Result<Option<Result<String, String>>> {
    let (mut problems, mut found) = (Vec::new(), Vec::new());
    for file in files.iter().filter(|file| file.content.len() >= SIZE_MIN) {
        let answer = served::get_with(exec, place, &file.path, &[("accept-encoding", ACCEPTED)])?;
        let verdict = match answer {
            Err(problem) => Err(problem),
            Ok(answer) => judge(file, answer.header("content-encoding"), &answer.body),
        };
        match verdict {
            Ok(detail) => found.push(detail),
            Err(problem) => problems.push(problem),
        }
    }
    Ok(match (problems.is_empty(), found.is_empty()) {
        (true, true) => None,
        (true, false) => Some(Ok(found.join(", "))),
        (false, _) => Some(Err(problems.join("; "))),
    })
}

fn judge(file: &Plain, encoding: Option<&str>, body: &[u8]) -> Result<String, String> {
    let (path, size) = (&file.path, file.content.len());
    let encoding = encoding.map(str::trim).filter(|encoding| *encoding != "identity");
    let Some(encoding) = encoding else {
        return Err(format!("{path} is sent as it is, {size} bytes; wanted br or gzip"));
    };
    match unpacked(encoding, body) {
        Some(content) if content == file.content => {
            Ok(format!("{} {encoding} {} of {size} bytes", file.kind.name(), body.len()))
        }
        Some(_) => Err(format!("{path} is another file when it is sent as {encoding}")),
        None if encoding == "zstd" || encoding == "deflate" => {
            Ok(format!("{} {encoding} {} of {size} bytes, not unpacked", file.kind.name(), body.len()))
        }
        None => Err(format!("{path} calls itself {encoding} and is not")),
    }
}

fn unpacked(encoding: &str, body: &[u8]) -> Option<Vec<u8>> {
    let mut content = Vec::new();
    let read = match encoding {
        "gzip" => flate2::read::GzDecoder::new(body).take(UNPACKED_MAX).read_to_end(&mut content),
        "br" => brotli::Decompressor::new(body, 64 * 1024).take(UNPACKED_MAX).read_to_end(&mut content),
        _ => return None,
    };
    read.ok().map(|_| content)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn what_is_sent_has_to_be_the_file() {
        let file = Plain { kind: Kind::Wasm, path: "/a.wasm".to_owned(), content: vec![b'a'; 2000] };
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        gzip.write_all(&file.content).unwrap();
        let gzip = gzip.finish().unwrap();
        let mut br = Vec::new();
        brotli::CompressorWriter::new(&mut br, 4096, 5, 20).write_all(&file.content).unwrap();
        assert!(judge(&file, Some("gzip"), &gzip).unwrap().starts_with("wasm gzip "));
        assert!(judge(&file, Some("br"), &br).unwrap().ends_with(" of 2000 bytes"));
        for (encoding, body) in
            [(None, &file.content), (Some("identity"), &file.content), (Some("br"), &gzip)]
        {
            assert!(judge(&file, encoding, body).is_err(), "{encoding:?}");
        }
        let other = Plain { content: vec![b'b'; 2000], ..file };
        assert!(judge(&other, Some("gzip"), &gzip).unwrap_err().contains("another file"));
    }
}
