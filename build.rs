//! Fails the build where a file under `config/` is wrong, naming file, path and reason. The check is
//! the very code that reads the files at run time.

use std::process::ExitCode;
use std::{env, fs, io, path::Path};

use flate2::Compression;
use flate2::write::GzEncoder;
use source::config::{problem::Problem, yaml::Document};
use source::{config, malformed, money, schema, template, usage};

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
        pub mod output;
        pub mod parse;
        pub mod price;
        pub mod problem;
        pub mod prompt;
        pub mod providers;
        pub mod quirks;
        pub mod shape;
        pub mod tier;
        pub mod unlisted;
        pub mod yaml;
    }
    pub mod malformed;
    pub mod money;
    pub mod schema;
    pub mod template;
    pub mod usage;
}

fn main() -> ExitCode {
    println!("cargo:rerun-if-changed=config");
    println!("cargo:rerun-if-changed=docs/openapi.json");
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

fn check() -> io::Result<Vec<Problem>> {
    compress_description()?;
    let partition_map = convert("ai_partition_map")?;
    let cost_model = convert("ai_cost_model")?;
    let checked = config::parse::parse(&config::parse::Files {
        aliases: &read("aliases.json")?,
        cost_model: &cost_model.json,
        partition_map: &partition_map.json,
        providers: &read("providers.json")?,
    });
    let located = |problem: Problem| match problem.file {
        config::parse::COST_MODEL => problem.on_line_of(&cost_model),
        config::parse::PARTITION_MAP => problem.on_line_of(&partition_map),
        _ => problem,
    };
    let problems = checked.err().unwrap_or_default();
    Ok(problems.into_iter().map(located).collect())
}

fn read(name: &str) -> io::Result<String> {
    let root = env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default();
    fs::read_to_string(Path::new(&root).join("config").join(name))
}

/// Writes `docs/openapi.json` without its spaces and compressed for the crate to embed.
fn compress_description() -> io::Result<()> {
    let root = env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default();
    let text = fs::read_to_string(Path::new(&root).join("docs/openapi.json"))?;
    let document: serde_json::Value = serde_json::from_str(&text)?;
    let target = Path::new(&env::var_os("OUT_DIR").unwrap_or_default()).join("openapi.json.gz");
    let mut encoder = GzEncoder::new(fs::File::create(target)?, Compression::best());
    serde_json::to_writer(&mut encoder, &document)?;
    encoder.finish()?;
    Ok(())
}

/// Writes a file that is YAML as JSON for the crate to embed.
fn convert(name: &str) -> io::Result<Document> {
    let document = config::yaml::parse(&read(&format!("{name}.yaml"))?);
    let document =
        document.map_err(|malformed| io::Error::other(format!("{name}.yaml, {malformed}")))?;
    let target = Path::new(&env::var_os("OUT_DIR").unwrap_or_default()).join(name);
    fs::write(target.with_extension("json"), &document.json)?;
    Ok(document)
}
