//! What is in a layer, entry by entry, however it is compressed. Reads; writes nothing to any disk.

use std::io::Read;

use anyhow::Context;

use super::manifest::Descriptor;
use crate::exit::{Exit, Failure};

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
    !layer.media_type.ends_with("zstd")
}

/// Goes through a layer, and hands out each entry in the order of the archive. The size of the archive in bytes.
pub fn walk(blob: &[u8], each: &mut dyn FnMut(&mut Entry<'_>) -> anyhow::Result<()>) -> anyhow::Result<u64> {
    let is_gzip = blob.starts_with(&[0x1f, 0x8b]);
    if blob.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
        let message = "a layer is compressed with zstd, which is not read here";
        return Err(Failure::new(Exit::CommandFailed, message).into());
    }
    let mut counted = Counted {
        inner: if is_gzip { Box::new(flate2::read::MultiGzDecoder::new(blob)) } else { Box::new(blob) },
        size: 0,
    };
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

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn plain_and_gzip_are_the_same() {
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
        for blob in [&plain, &zipped.finish().unwrap()] {
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
        assert!(walk(b"nonsense that is no archive", &mut |_| Ok(())).is_err());
    }
}
