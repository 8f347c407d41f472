//! Counts and times of the host, for Prometheus.

use prometheus::{Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGaugeVec, Opts, Registry};

/// Metrics of all hosts of a server.
#[derive(Clone, Debug)]
pub struct Metrics {
    pub(crate) commands: IntCounterVec,
    pub(crate) command_seconds: HistogramVec,
    pub(crate) conflicts: IntCounterVec,
    pub(crate) resident: IntGaugeVec,
    pub(crate) waiting: IntGaugeVec,
    pub(crate) quarantined: IntGaugeVec,
    pub(crate) looks: IntCounterVec,
    pub(crate) hung: IntCounterVec,
    pub(crate) effects: IntCounterVec,
    pub(crate) wakes: IntCounter,
    pub(crate) wakes_failed: IntCounter,
    pub(crate) wake_lag: Histogram,
}

impl Metrics {
    /// # Errors
    /// If the registry holds metrics of these names already.
    pub fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let counter = |name: &str, help: &str, labels: &[&str]| IntCounterVec::new(Opts::new(name, help), labels);
        let gauge = |name: &str, help: &str| IntGaugeVec::new(Opts::new(name, help), &["kind"]);
        let times = vec![0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0];
        let lags = vec![0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1.0, 5.0, 30.0];
        let metrics = Self {
            commands: counter("rubrica_commands_total", "Commands given to processes", &["kind", "outcome"])?,
            command_seconds: HistogramVec::new(
                HistogramOpts::new("rubrica_command_seconds", "Time from the mailbox to the durable answer").buckets(times),
                &["kind"],
            )?,
            conflicts: counter("rubrica_conflicts_total", "Appends that found another writer's entry", &["kind"])?,
            resident: gauge("rubrica_resident_processes", "Processes in memory")?,
            waiting: gauge("rubrica_mailbox_messages", "Messages in mailboxes or being handled")?,
            quarantined: gauge("rubrica_quarantined_processes", "Processes set aside after a fault")?,
            looks: counter(
                "rubrica_quarantine_looks_total",
                "Looks by hand at processes set aside, by what came of them",
                &["kind", "outcome"],
            )?,
            hung: counter("rubrica_hung_processes_total", "Processes started again because a step did not end", &["kind"])?,
            effects: counter("rubrica_effects_total", "Attempts to perform effects by their end", &["kind", "outcome"])?,
            wakes: IntCounter::new("rubrica_wakeups_total", "Wake-ups that fired")?,
            wakes_failed: IntCounter::new("rubrica_wakeups_failed_total", "Wake-ups that failed and are tried again")?,
            wake_lag: Histogram::with_opts(
                HistogramOpts::new("rubrica_wakeup_lag_seconds", "Time from due to fired").buckets(lags),
            )?,
        };
        registry.register(Box::new(metrics.commands.clone()))?;
        registry.register(Box::new(metrics.command_seconds.clone()))?;
        registry.register(Box::new(metrics.conflicts.clone()))?;
        registry.register(Box::new(metrics.resident.clone()))?;
        registry.register(Box::new(metrics.waiting.clone()))?;
        registry.register(Box::new(metrics.quarantined.clone()))?;
        registry.register(Box::new(metrics.looks.clone()))?;
        registry.register(Box::new(metrics.hung.clone()))?;
        registry.register(Box::new(metrics.effects.clone()))?;
        registry.register(Box::new(metrics.wakes.clone()))?;
        registry.register(Box::new(metrics.wakes_failed.clone()))?;
        registry.register(Box::new(metrics.wake_lag.clone()))?;
        Ok(metrics)
    }
}
