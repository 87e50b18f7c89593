//! HTTP/1.1: serving a listener, and one request over a connection of its own.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode, header};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};

/// A body of any origin.
pub type AnyBody = BoxBody<Bytes, hyper::Error>;

/// What `send` does not wait longer for than this.
const CONNECT_LIMIT: Duration = Duration::from_secs(15);

/// Answers every connection of the listener, for ever.
pub async fn serve<F, A>(listener: TcpListener, answer: F)
where
    F: Fn(Request<Incoming>, SocketAddr) -> A + Clone + Send + 'static,
    A: Future<Output = Response<AnyBody>> + Send + 'static,
{
    loop {
        // A failed accept is the client's matter, or a lack of file handles that passes.
        let Ok((stream, peer)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        let _ = stream.set_nodelay(true);
        let answer = answer.clone();
        tokio::spawn(async move {
            let service = service_fn(move |request| {
                let answer = answer(request, peer);
                async move { Ok::<_, Infallible>(answer.await) }
            });
            // A client that hangs up is no concern of the model.
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

/// Sends one request over a new connection, which ends with the answer's body: no connection is ever used twice, so
/// none can be found closed. Returns when the head of the answer is there.
///
/// # Errors
/// What went wrong, as a sentence for logs.
pub async fn send<B>(address: SocketAddr, request: Request<B>) -> Result<Response<Incoming>, String>
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let stream = tokio::time::timeout(CONNECT_LIMIT, TcpStream::connect(address))
        .await
        .map_err(|_| format!("{address} accepts no connection within {} s", CONNECT_LIMIT.as_secs()))?
        .map_err(|error| format!("{address}: {error}"))?;
    let _ = stream.set_nodelay(true);
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| format!("{address}: {error}"))?;
    tokio::spawn(connection);
    sender.send_request(request).await.map_err(|error| format!("{address}: {error}"))
}

/// A body that is there as a whole.
pub fn whole(body: impl Into<Bytes>) -> AnyBody {
    Full::new(body.into()).map_err(|never| match never {}).boxed()
}

/// A JSON answer.
pub fn json(status: StatusCode, value: &serde_json::Value) -> Response<AnyBody> {
    with_type(status, "application/json; charset=utf-8", value.to_string())
}

/// A text answer.
pub fn text(status: StatusCode, body: &str) -> Response<AnyBody> {
    with_type(status, "text/plain; charset=utf-8", body.to_owned())
}

fn with_type(status: StatusCode, content_type: &'static str, body: String) -> Response<AnyBody> {
    let mut response = Response::new(whole(body));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(content_type));
    response
}
