//! Request metadata.
/// x
#[derive(Debug)] pub struct RequestMeta;
/// x
#[derive(Debug)] pub enum RequestedLogLevel {}
