//! Traces, metrics and logs: OpenTelemetry over OTLP when an address is
//! configured; spans joined across gRPC and NATS by `traceparent`.

use opentelemetry::{
    KeyValue, global,
    metrics::{Counter, Histogram, UpDownCounter},
    propagation::{Extractor, Injector},
    trace::TracerProvider as _,
};
use opentelemetry_otlp::WithExportConfig;
use opentelemetry_sdk::{
    Resource, metrics::SdkMeterProvider, propagation::TraceContextPropagator, trace::SdkTracerProvider,
};
use thiserror::Error;
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::{EnvFilter, Layer, layer::SubscriberExt, util::SubscriberInitExt};

use crate::config::TelemetryConfig;

#[derive(Debug, Error)]
pub enum TelemetryError {
    #[error("the log filter `{0}` cannot be read")]
    Filter(String),
    #[error("the OTLP exporter cannot be built")]
    Exporter(#[from] opentelemetry_otlp::ExporterBuildError),
    #[error("telemetry was set up twice in this process")]
    Twice,
}

/// Flushes on every exit.
#[must_use = "telemetry is flushed when this is dropped"]
pub struct Telemetry {
    traces: Option<SdkTracerProvider>,
    metrics: Option<SdkMeterProvider>,
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        if let Some(traces) = self.traces.take() {
            let _ = traces.shutdown();
        }
        if let Some(metrics) = self.metrics.take() {
            let _ = metrics.shutdown();
        }
    }
}

/// Sets up logs, and traces and metrics if an endpoint is named.
pub fn start(config: &TelemetryConfig, name: &str) -> Result<Telemetry, TelemetryError> {
    let filter = EnvFilter::try_new(&config.log_filter)
        .map_err(|_| TelemetryError::Filter(config.log_filter.clone()))?;
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let lines = if config.log_format == "json" { lines.json().boxed() } else { lines.boxed() };
    let registry = tracing_subscriber::registry().with(lines.with_filter(filter));
    global::set_text_map_propagator(TraceContextPropagator::new());
    if config.otlp_endpoint.is_empty() {
        registry.try_init().map_err(|_| TelemetryError::Twice)?;
        return Ok(Telemetry { traces: None, metrics: None });
    }
    let resource = Resource::builder().with_service_name(name.to_owned()).build();
    let spans = opentelemetry_otlp::SpanExporter::builder()
        .with_tonic()
        .with_endpoint(&config.otlp_endpoint)
        .build()?;
    let traces =
        SdkTracerProvider::builder().with_batch_exporter(spans).with_resource(resource.clone()).build();
    let measures = opentelemetry_otlp::MetricExporter::builder()
        .with_tonic()
        .with_endpoint(&config.otlp_endpoint)
        .build()?;
    let metrics =
        SdkMeterProvider::builder().with_periodic_exporter(measures).with_resource(resource).build();
    global::set_meter_provider(metrics.clone());
    let layer = tracing_opentelemetry::layer().with_tracer(traces.tracer("hotline"));
    registry.with(layer.with_filter(EnvFilter::new("info"))).try_init().map_err(|_| TelemetryError::Twice)?;
    Ok(Telemetry { traces: Some(traces), metrics: Some(metrics) })
}

struct One<'a>(&'a str);

impl Extractor for One<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        (key == "traceparent").then_some(self.0)
    }

    fn keys(&self) -> Vec<&str> {
        vec!["traceparent"]
    }
}

struct Taken(String);

impl Injector for Taken {
    fn set(&mut self, key: &str, value: String) {
        if key == "traceparent" {
            self.0 = value;
        }
    }
}

/// The `traceparent` to send on: the current span as a child of what came in,
/// or what came in if nothing is traced here.
pub fn traceparent(incoming: Option<&str>) -> String {
    let span = tracing::Span::current();
    if let Some(incoming) = incoming {
        let parent = global::get_text_map_propagator(|p| p.extract(&One(incoming)));
        let _ = span.set_parent(parent);
    }
    let mut taken = Taken(String::new());
    global::get_text_map_propagator(|p| p.inject_context(&span.context(), &mut taken));
    if taken.0.is_empty() { incoming.unwrap_or_default().to_owned() } else { taken.0 }
}

/// Links the current span to the one that caused an entry: a consumer links
/// rather than parents across waits.
pub fn link(traceparent: &str) {
    if traceparent.is_empty() {
        return;
    }
    use opentelemetry::trace::TraceContextExt as _;
    let context = global::get_text_map_propagator(|p| p.extract(&One(traceparent)));
    tracing::Span::current().add_link(context.span().span_context().clone());
}

/// A service's instruments. Labels are bounded: the service, and little else.
#[derive(Clone)]
pub struct Instruments {
    pub batches: Counter<u64>,
    pub commands: Counter<u64>,
    pub refusals: Counter<u64>,
    pub events: Counter<u64>,
    pub entries: Counter<u64>,
    pub round_trip: Histogram<f64>,
    pub repairs: Counter<u64>,
    pub waiting: UpDownCounter<i64>,
    pub labels: [KeyValue; 1],
}

impl Instruments {
    pub fn new(service: proto::Service) -> Instruments {
        let meter = global::meter("hotline");
        Instruments {
            batches: meter.u64_counter("hotline.batches").build(),
            commands: meter.u64_counter("hotline.commands.accepted").build(),
            refusals: meter.u64_counter("hotline.commands.refused").build(),
            events: meter.u64_counter("hotline.events.applied").build(),
            entries: meter.u64_counter("hotline.journal.entries").build(),
            round_trip: meter.f64_histogram("hotline.store.round_trip").with_unit("s").build(),
            repairs: meter.u64_counter("hotline.reader.repairs").build(),
            waiting: meter.i64_up_down_counter("hotline.commands.waiting").build(),
            labels: [KeyValue::new("service", service.name())],
        }
    }
}
