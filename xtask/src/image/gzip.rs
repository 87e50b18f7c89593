//! Gzip, a piece on each core: the same bytes on any number of cores.
//!
//! Every piece is deflated for itself and ends at a byte, so that they follow one another in one ordinary stream. Knows
//! nothing of what is compressed.

use std::io::Write;

use flate2::Crc;
use flate2::write::DeflateEncoder;

use super::parallel;

/// A server of 12.0 MB takes 0.20 s of one core. Level 5 takes 0.60 s and saves 4.9 %, which a network of 50 Mbit/s
/// sends in a fifth of the time that two cores lose; the best level takes 1.84 s and saves 6.1 %. Measured in pieces,
/// beside other programs.
const LEVEL: u32 = 2;
/// No piece refers to one before it. With pieces of this size that makes the same server 0.2 % larger.
const PIECE: usize = 1 << 20;
/// Magic number, deflate, no flags, no time, no hints, and "unknown" as the operating system.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];

/// Compresses on so many cores at once.
pub fn gzip(content: &[u8], cores: usize) -> anyhow::Result<Vec<u8>> {
    let last = content.len().saturating_sub(1) / PIECE;
    let numbers: Vec<usize> = (0..=last).collect();
    let pieces = parallel::each(cores, &numbers, |number| {
        let piece = &content[number * PIECE..content.len().min((number + 1) * PIECE)];
        deflated(piece, *number == last)
    })?;
    let mut zipped =
        Vec::with_capacity(HEADER.len() + pieces.iter().map(|piece| piece.0.len()).sum::<usize>() + 8);
    zipped.extend(HEADER);
    let mut crc = Crc::new();
    for (deflated, its_crc) in &pieces {
        zipped.extend(deflated);
        crc.combine(its_crc);
    }
    zipped.extend(crc.sum().to_le_bytes());
    zipped.extend(crc.amount().to_le_bytes());
    Ok(zipped)
}

fn deflated(piece: &[u8], is_last: bool) -> anyhow::Result<(Vec<u8>, Crc)> {
    let mut crc = Crc::new();
    crc.update(piece);
    let mut encoder = DeflateEncoder::new(Vec::new(), flate2::Compression::new(LEVEL));
    encoder.write_all(piece)?;
    if is_last {
        return Ok((encoder.finish()?, crc));
    }
    // Writes all that there is, up to the end of a byte. What the encoder would write as its end is not wanted.
    encoder.flush()?;
    Ok((std::mem::take(encoder.get_mut()), crc))
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    /// Neither constant nor random, so that there is something to find.
    fn content(size: usize) -> Vec<u8> {
        (0..size as u64).map(|n| ((n * n) >> 7) as u8 ^ (n % 251) as u8).collect()
    }

    #[test]
    fn one_ordinary_stream_whatever_its_size() {
        for size in [0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE + 5] {
            let content = content(size);
            let zipped = gzip(&content, 2).unwrap();
            let mut unzipped = Vec::new();
            // This one reads the first stream alone, and leaves what follows.
            let mut decoder = flate2::bufread::GzDecoder::new(zipped.as_slice());
            decoder.read_to_end(&mut unzipped).unwrap();
            assert!(unzipped == content, "{size}");
            assert!(decoder.into_inner().is_empty(), "{size}");
            assert_eq!(zipped[..10], HEADER);
        }
    }

    #[test]
    fn the_same_bytes_on_any_number_of_cores() {
        let content = content(4 * PIECE);
        let alone = gzip(&content, 1).unwrap();
        for cores in [2, 3, 8] {
            assert!(gzip(&content, cores).unwrap() == alone, "{cores}");
        }
    }
}
