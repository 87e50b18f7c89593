//! The health check of a deployment that is not active yet. It is never repeated afterwards.

use std::time::Duration;

use http_body_util::Empty;
use hyper::body::Bytes;
use hyper::{Request, StatusCode, header};
use tokio::time::{Instant, sleep, timeout};

use crate::http;
use crate::runner;

/// What Railway's checks carry as host, by its documentation.
const HOST: &str = "healthcheck.railway.app";

/// How long one attempt may take. Railway's own figure is not documented.
const ATTEMPT_LIMIT: Duration = Duration::from_secs(5);

/// How one deployment is checked.
pub struct Check<'a> {
    pub instance: &'a runner::Instance,
    pub path: &'a str,
    pub interval: Duration,
    pub limit: Duration,
}

/// Asks until the answer is 200, exactly.
///
/// # Errors
/// Why the deployment is not healthy: its time is over, or its container has ended.
pub async fn wait(check: &Check<'_>) -> Result<(), String> {
    tokio::select! {
        verdict = attempts(check) => verdict,
        how = check.instance.exited() => Err(format!("the container {how} before it was healthy")),
    }
}

async fn attempts(check: &Check<'_>) -> Result<(), String> {
    let end = Instant::now() + check.limit;
    let mut problem = "no answer in time".to_owned();
    loop {
        let left = end.saturating_duration_since(Instant::now());
        match timeout(left.min(ATTEMPT_LIMIT), attempt(check)).await {
            Ok(Ok(StatusCode::OK)) => return Ok(()),
            Ok(Ok(status)) => problem = format!("it answered {status}"),
            Ok(Err(failed)) => problem = failed,
            // An attempt that the end cut short says nothing new.
            Err(_) if left < ATTEMPT_LIMIT => {}
            Err(_) => problem = format!("no answer within {} s", ATTEMPT_LIMIT.as_secs()),
        }
        if Instant::now() + check.interval >= end {
            // The beginning is how Railway says it.
            let limit = check.limit.as_secs();
            return Err(format!("1/1 replicas never became healthy! Not 200 within {limit} s: {problem}"));
        }
        sleep(check.interval).await;
    }
}

async fn attempt(check: &Check<'_>) -> Result<StatusCode, String> {
    let path = format!("/{}", check.path.trim_start_matches('/'));
    let request = Request::get(path)
        .header(header::HOST, HOST)
        .body(Empty::<Bytes>::new())
        .map_err(|error| error.to_string())?;
    Ok(http::send(check.instance.address, request).await?.status())
}
