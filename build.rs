//! Fails the build where a file under `config/` is wrong, naming file, path and reason. The check is
//! the very code that reads the files at run time.

use std::process::ExitCode;
use std::{env, fs, io, path::Path};

use source::{config, intent, money, usage};

#[path = "src"]
#[expect(
    dead_code,
    unreachable_pub,
    reason = "shared with the crate, which uses and publishes all of it"
)]
mod source {
    pub mod config {
        pub mod catalog;
        pub mod check;
        pub mod facts;
        pub mod parse;
        pub mod price;
        pub mod problem;
        pub mod providers;
        pub mod quirks;
        pub mod shape;
        pub mod tier;
        pub mod unlisted;
    }
    pub mod intent {
        pub mod fold;
        pub mod rules;
    }
    pub mod money;
    pub mod usage;
}

fn main() -> ExitCode {
    println!("cargo:rerun-if-changed=config");
    match check() {
        Ok(problems) if problems.is_empty() => ExitCode::SUCCESS,
        Ok(problems) => {
            for problem in problems {
                eprintln!("{problem}");
            }
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("config/: {error}");
            ExitCode::FAILURE
        }
    }
}

fn check() -> io::Result<Vec<config::problem::Problem>> {
    let root = env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default();
    let read = |name: &str| fs::read_to_string(Path::new(&root).join("config").join(name));
    let checked = config::parse::parse(&config::parse::Files {
        aliases: &read("aliases.json")?,
        intent: &read("intent.json")?,
        models: &read("models.json")?,
        operations: &read("operations.json")?,
        providers: &read("providers.json")?,
        tiers: &read("tiers.json")?,
    });
    Ok(checked.err().unwrap_or_default())
}
