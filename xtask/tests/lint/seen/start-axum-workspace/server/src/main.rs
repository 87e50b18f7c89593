//! The server, which is told by variables alone where it listens: the metadata is for those who build.

#[tokio::main]
async fn main() {
    let options = app::get_configuration(
        None,
    );
    app::serve(options).await;
}
