//! The command line.

use std::{ffi::OsString, io::IsTerminal, path::PathBuf, process::ExitCode};

use chrono::{TimeDelta, Utc};
use clap::{Args, Parser, Subcommand};
use rubrica::{
    access::{self, Role},
    config::{Config, LogFormat, Mode},
    demo, engine, escrow_command, forms_command, http, iso_duration,
    keys::Keys,
    p12_command, render_command, server,
    transfer::command::{self as transfer, ExportOptions, ImportOptions},
    verify,
};

#[cfg(target_os = "linux")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// A server for signing documents electronically and identifying the people who sign.
#[derive(Parser)]
#[command(version, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: Serve,
}

#[derive(Subcommand)]
enum Command {
    /// Run the server. Plain `rubrica` does it too, and in development makes a process to sign and prints its link.
    Serve(Serve),
    /// Bring the schema of the store up to date, and make its keyspace if it is not there. Safe to run again.
    Migrate(Serve),
    /// Drive one whole process over HTTP, from an uploaded PDF to the certificate.
    Demo(demo::Options),
    /// Say for each signature of a PDF who made it, when, what it covers and whether it is intact and trusted. Works offline.
    Verify(verify::Options),
    /// Say what is inside a PKCS#12 file, what is wrong with it, and what to do. Works offline.
    ///
    /// The password is that of the environment variable RUBRICA_P12_PASSWORD or of a file, never an argument. Exit status 0 if the file can be used
    /// to seal, with or without warnings, 1 if it cannot, 2 if it cannot be read.
    P12(p12_command::Options),
    /// Look at a form that is to be filled, or fill it without a server.
    #[command(subcommand)]
    Forms(forms_command::Command),
    /// Open biometric signatures, for the holder of an escrow certificate, or make such a certificate for a try. Works offline.
    #[command(subcommand)]
    Escrow(escrow_command::Command),
    /// Check an HTML template and make a PDF of it and its data, without a server.
    ///
    /// Exit status 0 if it was made, 1 if the template, its schema or the data are wrong, which is told with line and column, 2 if a file cannot be
    /// read or written.
    Render(render_command::Options),
    /// Copy the whole installation into a folder, to move it to another store or place.
    ///
    /// The folder holds journals, records and files, with personal data, readable by its owner only; it holds no keys. Nothing may be
    /// written meanwhile: with the embedded store the server must be stopped, as only one process can open it. With ScyllaDB the export
    /// reads all heads again when it is done, and fails if anything was written since it began, so stop all nodes. The export is then
    /// the installation as it was at one moment.
    Export(ExportOptions),
    /// Bring an export into an empty installation, on whichever store.
    ///
    /// The store must be empty: import before a server is started on it, and bring the master key first. An import that was interrupted
    /// goes on when it is run again; servers refuse the store until it has ended. Afterwards everything is read back and compared with the
    /// export. Exit status 0 if all is the same, 1 if something differs, 2 if it could not be done.
    Import(ImportOptions),
    /// Print a token of the development issuer of a data folder.
    Token(Token),
    /// Look at the configuration.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Print the OpenAPI description of the server.
    Openapi,
    /// Print which role opens which operations, and what the tokens for one thing open.
    Roles,
    /// Draw pages and render templates for the server that started this: jobs on standard input, answers on standard output.
    #[command(name = render::worker::COMMAND, hide = true)]
    RenderWorker {
        /// See `render::worker::run`.
        arguments: Vec<OsString>,
    },
}

#[derive(Args, Clone)]
struct Serve {
    /// Address and port to listen on; port 0 picks a free one and prints it.
    #[arg(long)]
    listen: Option<std::net::SocketAddr>,
    /// Folder of the store, the files and the keys.
    #[arg(long)]
    data: Option<PathBuf>,
    /// Configuration file (TOML); `deploy/rubrica.toml` shows all options.
    #[arg(long)]
    config: Option<PathBuf>,
}

#[derive(Args)]
struct Token {
    /// Data folder of the server. Default: that of the configuration, else `data`. Not needed where the configuration has the master key,
    /// as servers with a shared store have.
    #[arg(long)]
    data: Option<PathBuf>,
    /// Organization that the token acts for.
    #[arg(long)]
    organization: String,
    /// A role of the token; may be repeated. Without it: all roles.
    #[arg(long = "role")]
    roles: Vec<Role>,
    /// How long the token is valid.
    #[arg(long, default_value = "PT8H", value_parser = iso_duration::parse)]
    expires: TimeDelta,
    /// Configuration file, where the master key is in it.
    #[arg(long)]
    config: Option<PathBuf>,
}

#[derive(Subcommand)]
enum ConfigCommand {
    /// Check a configuration without starting the server.
    ///
    /// Says in words what keeps messages from going out as configured (problem), and what soon will or is made up for (warning). Exit status
    /// 0 if there is no problem, 1 if there is one, 2 if the server would not start with this configuration.
    Check(Serve),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let result = match cli.command {
        None => serve(&cli.serve, true),
        Some(Command::Serve(options)) => serve(&options, false),
        Some(Command::Migrate(options)) => migrate(&options).map(|()| ExitCode::SUCCESS),
        Some(Command::Demo(options)) => demo::run(&options).map(|()| ExitCode::SUCCESS),
        Some(Command::Verify(options)) => verify::run(&options),
        Some(Command::P12(options)) => p12_command::run(&options),
        Some(Command::Forms(command)) => forms_command::run(&command),
        Some(Command::Escrow(command)) => escrow_command::run(&command),
        Some(Command::Render(options)) => render_command::run(&options),
        Some(Command::Export(options)) => transfer::export(&options),
        Some(Command::Import(options)) => transfer::import(&options),
        Some(Command::Token(options)) => token(&options).map(|()| ExitCode::SUCCESS),
        Some(Command::Config(ConfigCommand::Check(options))) => check(&options),
        Some(Command::Openapi) => openapi().map(|()| ExitCode::SUCCESS),
        Some(Command::Roles) => {
            println!("{}\n{}", http::roles::table(), http::roles::scoped_table());
            Ok(ExitCode::SUCCESS)
        }
        Some(Command::RenderWorker { arguments }) => Ok(render::worker::run(arguments)),
    };
    result.unwrap_or_else(|error| {
        eprintln!("rubrica: {error}");
        ExitCode::from(2)
    })
}

type Failure = Box<dyn std::error::Error>;

/// The configuration with the flags over it.
fn configuration(options: &Serve) -> Result<Config, Failure> {
    let mut config = Config::load(options.config.as_deref(), std::env::vars())?;
    if let Some(listen) = options.listen {
        config.server.listen = listen;
    }
    if let Some(data) = &options.data {
        config.data = Some(data.clone());
    }
    Ok(config)
}

fn serve(options: &Serve, with_something_to_sign: bool) -> Result<ExitCode, Failure> {
    let config = configuration(options)?;
    log(&config);
    actix::System::new().block_on(async {
        let running = server::start(config.clone()).await?;
        welcome(&config, &running)?;
        if with_something_to_sign && running.sandbox && config.mode != Mode::Production {
            actix::spawn(offer_something_to_sign(running.public_base_url.clone(), development_token(&config)?));
        }
        running.serve(signalled()).await?;
        Ok(ExitCode::SUCCESS)
    })
}

/// A process with a contract, as anybody would make it over HTTP, and the link that its signer got.
async fn offer_something_to_sign(base: String, token: String) {
    match demo::waiting(&base, server::DEVELOPMENT_ORGANIZATION, token).await {
        Ok(link) => println!("Sign:      {link}\n           (the code is at {base}/sandbox)"),
        Err(error) => tracing::warn!(%error, "there is nothing to sign in a browser"),
    }
}

fn development_token(config: &Config) -> Result<String, Failure> {
    let keys = server::master_key(config)?;
    Ok(access::development::token(&keys, server::DEVELOPMENT_ORGANIZATION, &[], TimeDelta::hours(8), Utc::now()))
}

fn migrate(options: &Serve) -> Result<(), Failure> {
    let config = configuration(options)?;
    log(&config);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    println!("{}", runtime.block_on(engine::migrate(&engine::Settings::of(&config)))?);
    Ok(())
}

fn log(config: &Config) {
    let filter = tracing_subscriber::EnvFilter::new(&config.log.filter);
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match config.log.format {
        LogFormat::Text => builder.with_ansi(std::io::stderr().is_terminal()).init(),
        LogFormat::Json => builder.json().flatten_event(true).with_current_span(true).init(),
    }
}

/// Tells where the server is and what to try next.
fn welcome(config: &Config, running: &server::Running) -> Result<(), Failure> {
    println!("Rubrica listens on http://{}", running.address);
    if config.mode == Mode::Production {
        return Ok(());
    }
    let base = &running.public_base_url;
    let organization = server::DEVELOPMENT_ORGANIZATION;
    let token = development_token(config)?;
    println!("API pages: {base}/docs");
    if running.sandbox {
        println!("Messages:  {base}/sandbox");
    }
    if running.console {
        println!("Console:   {base}/console");
        println!("Desk:      {base}/desk");
    }
    println!("Token for organization {organization}, 8 hours:\n{token}");
    println!("Try next:  {} demo --server {base} --data {}", rubrica::program(), config.data().display());
    Ok(())
}

/// Ends with SIGTERM or SIGINT.
async fn signalled() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut terminate), Ok(mut interrupt)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt())) else {
        // Without signals only a kill ends the server, which loses nothing either.
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

fn token(options: &Token) -> Result<(), Failure> {
    let config = Config::load(options.config.as_deref(), std::env::vars())?;
    let data = options.data.clone().unwrap_or_else(|| config.data());
    let keys = match &config.keys.master {
        Some(master) => Keys::from_base64(master)?,
        None if !data.is_dir() => return Err(format!("{} is not there", data.display()).into()),
        None => Keys::load_or_create(&data)?,
    };
    println!("{}", access::development::token(&keys, &options.organization, &options.roles, options.expires, Utc::now()));
    Ok(())
}

fn check(options: &Serve) -> Result<ExitCode, Failure> {
    let config = configuration(options)?;
    let findings = config.try_parts(Utc::now())?;
    let source =
        options.config.as_ref().map_or_else(|| "the default configuration".to_owned(), |path| path.display().to_string());
    println!(
        "{source} can be used: mode {:?}, listening on {}, data in {}, {}; {}",
        config.mode,
        config.server.listen,
        config.data().display(),
        engine::describe(&engine::Settings::of(&config)),
        rubrica::fonts::checked(&config.fonts)
    );
    for finding in &findings {
        println!("{}: {}", if finding.is_problem { "problem" } else { "warning" }, finding.text);
    }
    let has_problem = findings.iter().any(|finding| finding.is_problem);
    Ok(if has_problem { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn openapi() -> Result<(), Failure> {
    println!("{}", http::openapi::description(true).to_pretty_json()?);
    Ok(())
}
