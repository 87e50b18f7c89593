//! What is particular to running in GitHub Actions: its environment, its files and its summaries.
