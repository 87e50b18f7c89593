//! Precompressed variants of site files, as static-file servers look for them: `.gz` and `.br`.
//!
//! The same bytes in give the same bytes out: no time stamp, fixed levels.

use std::io::Write;
use std::path::Path;

use anyhow::Context;

/// gzip's best level; the file is compressed once and served many times.
const GZIP_LEVEL: u32 = 9;
/// brotli's best level.
const BROTLI_QUALITY: u32 = 11;
/// Base-2 logarithm of brotli's window: 4 MiB covers a whole wasm file.
const BROTLI_WINDOW: u32 = 22;
/// Files under this many bytes gain nothing: the response's headers are larger than the difference.
const SMALLEST: u64 = 256;

/// Whether a file of this name and size in bytes is worth compressing. Images, fonts and archives already are.
pub fn worthwhile(path: &Path, size: u64) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    let text = [
        "css",
        "csv",
        "html",
        "js",
        "json",
        "map",
        "md",
        "mjs",
        "otf",
        "svg",
        "ttf",
        "txt",
        "wasm",
        "xml",
        "webmanifest",
    ];
    size >= SMALLEST && text.contains(&extension)
}

pub fn gzip(content: &[u8]) -> anyhow::Result<Vec<u8>> {
    let mut encoder = flate2::GzBuilder::new()
        .mtime(0)
        .write(Vec::with_capacity(content.len() / 3), flate2::Compression::new(GZIP_LEVEL));
    encoder.write_all(content).context("compress with gzip")?;
    encoder.finish().context("compress with gzip")
}

pub fn brotli(content: &[u8]) -> anyhow::Result<Vec<u8>> {
    let mut compressed = Vec::with_capacity(content.len() / 4);
    let mut encoder = brotli::CompressorWriter::new(&mut compressed, 4096, BROTLI_QUALITY, BROTLI_WINDOW);
    encoder.write_all(content).context("compress with brotli")?;
    drop(encoder);
    Ok(compressed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn both_variants_unpack_to_the_original_and_repeat_to_the_byte() {
        let text = "the same line again and again\n".repeat(200);
        let zipped = gzip(text.as_bytes()).unwrap();
        let mut unpacked = String::new();
        flate2::read::GzDecoder::new(zipped.as_slice()).read_to_string(&mut unpacked).unwrap();
        assert_eq!(unpacked, text);
        assert_eq!(zipped, gzip(text.as_bytes()).unwrap());

        let squeezed = brotli(text.as_bytes()).unwrap();
        let mut unpacked = String::new();
        brotli::Decompressor::new(squeezed.as_slice(), 4096).read_to_string(&mut unpacked).unwrap();
        assert_eq!(unpacked, text);
        assert_eq!(squeezed, brotli(text.as_bytes()).unwrap());
    }

    #[test]
    fn pictures_and_tiny_files_are_left_alone() {
        assert!(worthwhile(Path::new("pkg/app.wasm"), 1000));
        assert!(!worthwhile(Path::new("logo.png"), 1000));
        assert!(!worthwhile(Path::new("a.css"), 20));
    }
}
