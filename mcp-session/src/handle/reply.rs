//! Handles as answers.

use std::borrow::Cow;

use schemars::{Schema, SchemaGenerator};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};

use crate::catalog::{IntoToolReply, ToolReply};
use crate::error::ToolError;
use crate::handle::{Handle, HandleKind, HandleName};
use crate::protocol::CallToolResult;
use crate::schema::{self, JsonSchema};

/// Its name: for answers that hold more than the handle.
impl<T> Serialize for Handle<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.name.serialize(serializer)
    }
}

impl<T: HandleKind> JsonSchema for Handle<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        HandleName::<T>::schema_name()
    }

    fn schema_id() -> Cow<'static, str> {
        HandleName::<T>::schema_id()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        HandleName::<T>::json_schema(generator)
    }
}

/// Its name as text, and under the name of its kind as structured content: `{"basket": "bsk_…"}`.
impl<T: HandleKind> IntoToolReply for Handle<T> {
    fn into_tool_reply(self) -> Result<ToolReply, ToolError> {
        let name = self.name.as_str();
        let value = Map::from_iter([(T::NAME.to_owned(), name.into())]);
        let result = CallToolResult::text(name).structured_content(Value::Object(value));
        Ok(ToolReply::Complete(result))
    }

    fn output_schema() -> Option<Value> {
        let property = schema::output_of::<Self>();
        let properties = Map::from_iter([(T::NAME.to_owned(), property)]);
        Some(json!({
            "type": "object",
            "properties": properties,
            "required": [T::NAME],
        }))
    }
}
