//! A server for the demo alone, in a thread of this process.

use std::{
    path::{Path, PathBuf},
    sync::mpsc,
    thread::JoinHandle,
    time::Duration,
};

use chrono::TimeDelta;
use tokio::sync::oneshot;

use super::Failure;
use crate::{config::Config, engine, server};

/// Longest wait for the server to listen.
const START_WAIT: Duration = Duration::from_secs(60);

/// Goes down when dropped.
pub(super) struct OwnServer {
    address: String,
    data: PathBuf,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
    /// Removed at the end.
    _temporary: Option<tempfile::TempDir>,
}

impl OwnServer {
    /// Starts on a free port, with the given data folder or, where another server has that open, with one that is thrown away.
    pub fn start(data: &Path, master: Option<&str>) -> Result<Self, Failure> {
        match Self::with(data, master, None) {
            Err(server::Error::Engine(engine::Error::Store(store::Error::Refused(_)))) => {
                let temporary = tempfile::Builder::new().prefix("rubrica-demo-").tempdir()?;
                let path = temporary.path().to_owned();
                tell!("{} is in use by another server", data.display());
                Ok(Self::with(&path, master, Some(temporary))?)
            }
            started => Ok(started?),
        }
    }

    fn with(data: &Path, master: Option<&str>, temporary: Option<tempfile::TempDir>) -> Result<Self, server::Error> {
        let config = configuration(data, master);
        let (ready, started) = mpsc::channel();
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = std::thread::Builder::new().name("demo-server".into()).spawn(move || {
            actix::System::new().block_on(async move {
                match server::start(config).await {
                    Ok(running) => {
                        let _ = ready.send(Ok(running.public_base_url.clone()));
                        let served = running.serve(async { drop(stopped.await) }).await;
                        if let Err(error) = served {
                            eprintln!("rubrica: the demo's server: {error}");
                        }
                    }
                    Err(error) => drop(ready.send(Err(error))),
                }
            });
        })?;
        let late = |_| server::Error::Http(std::io::Error::other("the server did not start in time"));
        let address = started.recv_timeout(START_WAIT).map_err(late)??;
        Ok(Self { address, data: data.to_owned(), stop: Some(stop), thread: Some(thread), _temporary: temporary })
    }

    pub fn address(&self) -> &str {
        &self.address
    }

    pub fn data(&self) -> &Path {
        &self.data
    }
}

impl Drop for OwnServer {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        // Bounded by `server.shutdown`.
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The defaults, which are those of development, on a free port.
fn configuration(data: &Path, master: Option<&str>) -> Config {
    let mut config = Config::default();
    config.access.development = true;
    config.channels.sandbox = Some(true);
    config.data = Some(data.to_owned());
    config.keys.master = master.map(str::to_owned);
    config.server.listen.set_port(0);
    config.server.workers = Some(2);
    config.server.shutdown = TimeDelta::seconds(10);
    config
}
