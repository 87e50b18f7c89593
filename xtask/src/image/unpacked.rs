//! What is in a layer, entry by entry, however it is compressed. Reads; writes nothing to any disk.

use std::io::Read;

use anyhow::Context;
use ruzstd::decoding::{FrameDecoder, StreamingDecoder};

use super::manifest::Descriptor;

const GZIP: [u8; 2] = [0x1f, 0x8b];
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// An entry of a layer's archive.
pub struct Entry<'a> {
    /// Without a slash or `./` at its beginning, or a slash at its end.
    pub path: String,
    pub kind: Kind,
    /// In bytes; 0 for all but files.
    pub size: u64,
    content: &'a mut dyn Read,
}

/// What an entry is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    File,
    Folder,
    /// A symbolic link to this path, or a hard link to this path of the archive with a slash at its beginning.
    Link(String),
    Other,
}

impl Entry<'_> {
    /// The whole content.
    pub fn read(&mut self) -> anyhow::Result<Vec<u8>> {
        let mut content = Vec::new();
        self.content.read_to_end(&mut content).with_context(|| format!("read {}", self.path))?;
        Ok(content)
    }

    /// Hands the content out piece by piece.
    pub fn read_pieces(&mut self, mut take: impl FnMut(&[u8])) -> anyhow::Result<()> {
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let length = self.content.read(&mut buffer).with_context(|| format!("read {}", self.path))?;
            if length == 0 {
                return Ok(());
            }
            take(&buffer[..length]);
        }
    }
}

/// Whether a layer of this type can be read here.
pub fn is_readable(layer: &Descriptor) -> bool {
    // An encrypted one, for instance, cannot.
    ["tar", "gzip", "zstd"].iter().any(|end| layer.media_type.ends_with(end))
}

/// Goes through a layer, and hands out each entry in the order of the archive. The size of the archive in bytes.
pub fn walk(blob: &[u8], each: &mut dyn FnMut(&mut Entry<'_>) -> anyhow::Result<()>) -> anyhow::Result<u64> {
    let inner: Box<dyn Read + '_> = if blob.starts_with(&GZIP) {
        Box::new(flate2::read::MultiGzDecoder::new(blob))
    } else if blob.starts_with(&ZSTD) || skippable(blob).is_some() {
        Box::new(Zstd { frame: None, rest: blob })
    } else {
        Box::new(blob)
    };
    let mut counted = Counted { inner, size: 0 };
    let mut archive = tar::Archive::new(&mut counted);
    for entry in archive.entries().context("read a layer")? {
        let mut entry = entry.context("read a layer")?;
        let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let path = path.trim_start_matches("./").trim_matches('/').to_owned();
        let link = entry.link_name_bytes().map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        let kind = match (entry.header().entry_type(), link) {
            (tar::EntryType::Regular | tar::EntryType::Continuous | tar::EntryType::GNUSparse, _) => {
                Kind::File
            }
            (tar::EntryType::Directory, _) => Kind::Folder,
            (tar::EntryType::Symlink, Some(link)) => Kind::Link(link),
            (tar::EntryType::Link, Some(link)) => Kind::Link(format!("/{}", link.trim_start_matches("./"))),
            _ => Kind::Other,
        };
        let size = if kind == Kind::File { entry.size() } else { 0 };
        each(&mut Entry { path, kind, size, content: &mut entry })?;
    }
    // What pads the end counts too.
    std::io::copy(&mut counted, &mut std::io::sink()).context("read a layer")?;
    Ok(counted.size)
}

struct Counted<'a> {
    inner: Box<dyn Read + 'a>,
    size: u64,
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let length = self.inner.read(buffer)?;
        self.size += length as u64;
        Ok(length)
    }
}

/// All frames of a zstd stream, one after the other: some builders write a layer as several.
struct Zstd<'a> {
    frame: Option<StreamingDecoder<&'a [u8], FrameDecoder>>,
    /// What comes after the frame, once that is read.
    rest: &'a [u8],
}

impl Read for Zstd<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        loop {
            if let Some(frame) = &mut self.frame {
                let length = frame.read(buffer)?;
                if length > 0 || buffer.is_empty() {
                    return Ok(length);
                }
                self.rest = *frame.get_ref();
                self.frame = None;
            }
            if self.rest.is_empty() {
                return Ok(0);
            }
            match skippable(self.rest) {
                Some(length) => self.rest = self.rest.get(length..).unwrap_or_default(),
                None => {
                    let frame = StreamingDecoder::new(self.rest).map_err(std::io::Error::other)?;
                    self.frame = Some(frame);
                }
            }
        }
    }
}

/// The length of the frame that a zstd stream begins with, where it is one without content. In bytes.
fn skippable(stream: &[u8]) -> Option<usize> {
    let number = |from: usize| {
        let bytes = stream.get(from..from + 4)?.try_into().ok()?;
        Some(u32::from_le_bytes(bytes))
    };
    let is_skippable = (0x184d_2a50..=0x184d_2a5f).contains(&number(0)?);
    is_skippable.then_some(8 + usize::try_from(number(4)?).ok()?)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn plain_gzip_and_zstd_are_the_same() {
        let mut tar = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_size(3);
        tar.append_data(&mut header, "./usr/a", b"abc".as_slice()).unwrap();
        let mut link = tar::Header::new_gnu();
        link.set_entry_type(tar::EntryType::Symlink);
        link.set_size(0);
        tar.append_link(&mut link, "lib", "usr/lib").unwrap();
        let plain = tar.into_inner().unwrap();
        let mut zipped = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        zipped.write_all(&plain).unwrap();
        // In two frames, with one between them that holds nothing.
        let frame = |content: &[u8]| {
            let level = ruzstd::encoding::CompressionLevel::Fastest;
            ruzstd::encoding::compress_to_vec(content, level)
        };
        let (one, two) = plain.split_at(700);
        let between = [0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3];
        let frames = [frame(one), between.to_vec(), frame(two)].concat();
        for blob in [&plain, &zipped.finish().unwrap(), &frames, &[&between[..], &frames].concat()] {
            let mut seen = Vec::new();
            let size = walk(blob, &mut |entry| {
                let content = entry.read()?;
                seen.push((entry.path.clone(), entry.kind.clone(), content));
                Ok(())
            });
            assert_eq!(size.unwrap(), plain.len() as u64);
            let file = ("usr/a".to_owned(), Kind::File, b"abc".to_vec());
            assert_eq!(seen, [file, ("lib".to_owned(), Kind::Link("usr/lib".to_owned()), Vec::new())]);
        }
        assert!(walk(&[0x28, 0xb5, 0x2f, 0xfd], &mut |_| Ok(())).is_err());
        assert!(walk(&frames[..frames.len() - 20], &mut |_| Ok(())).is_err());
        assert!(walk(b"nonsense that is no archive", &mut |_| Ok(())).is_err());
    }
}
