//! Resources: fixed ones, and a family under a URI template.

use mcp_session::catalog::Entry;
use mcp_session::{Json, Resource, ResourceTemplate};
use serde::{Deserialize, Serialize};

use crate::content::PNG;

pub(crate) fn resources() -> [Entry; 4] {
    [
        Resource::new("test://static-text", "static-text")
            .description("A fixed text.")
            .mime_type("text/plain")
            .text("This is the content of the static text resource.")
            .into(),
        Resource::new("test://static-binary", "static-binary")
            .description("Fixed bytes.")
            .mime_type("image/png")
            .blob(PNG)
            .into(),
        Resource::new("test://watched-resource", "watched-resource")
            .description("Something to subscribe to.")
            .mime_type("text/plain")
            .text("Nothing happens here, but one can watch it.")
            .into(),
        ResourceTemplate::new("test://template/{id}/data", "template")
            .description("The data of one id.")
            .mime_type("application/json")
            .handler(data)
            .into(),
    ]
}

/// The variables of the URI template.
#[derive(Deserialize)]
struct Variables {
    id: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Data {
    id: String,
    template_test: bool,
    data: String,
}

async fn data(Variables { id }: Variables) -> Json<Data> {
    Json(Data {
        data: format!("Data for ID: {id}"),
        template_test: true,
        id,
    })
}
