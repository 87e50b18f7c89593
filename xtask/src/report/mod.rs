//! Reports: records rendered for people and programs. Pure: data in, text out.

pub mod bench;
pub mod bench_compare;
pub mod bench_history;
pub mod build;
pub mod ci_summary;
pub mod deploy;
pub mod deployments;
pub mod deps_report;
pub mod docker_build;
pub mod doctor;
pub mod init;
pub mod inspect;
pub mod lint;
pub mod monitor;
pub mod notification;
pub mod pack;
mod page;
pub mod settings;
pub mod smoke;
pub mod table;
pub mod test;
pub mod variables;

/// How a report is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// Tables for a terminal.
    #[default]
    Human,
    /// One JSON document with a `schema` field.
    Json,
    /// Tables for a pull request or a job summary.
    Markdown,
}

/// Seconds as people read them: `0.42`, `3.1`, `64`, `5m 20s`.
pub fn seconds(seconds: f64) -> String {
    match seconds {
        s if s < 1.0 => format!("{s:.2}"),
        s if s < 100.0 => format!("{s:.1}"),
        s if s < 600.0 => format!("{s:.0}"),
        s => format!("{}m {:02}s", s as u64 / 60, s as u64 % 60),
    }
}

/// Bytes as people read them, in powers of ten: `812 B`, `41.8 kB`, `9.10 MB`, `2.15 GB`.
pub fn bytes(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.2} MB", bytes as f64 / 1e6),
        _ => format!("{:.2} GB", bytes as f64 / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_for_people() {
        let shown = [0.042, 3.12, 64.25, 320.0, 725.0].map(seconds);
        assert_eq!(shown, ["0.04", "3.1", "64.2", "320", "12m 05s"]);
        let shown = [812, 41_778, 9_100_000, 2_150_000_000].map(bytes);
        assert_eq!(shown, ["812 B", "41.8 kB", "9.10 MB", "2.15 GB"]);
    }
}
