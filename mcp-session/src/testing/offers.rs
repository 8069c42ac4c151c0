//! What a server offers, typed: lists, calls, prompts, resources, completions.

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::protocol::{
    Completion, GetPromptResult, PromptDefinition, ReadResourceResult, ResourceDefinition,
    ResourceTemplateDefinition, RpcError, ToolDefinition, method,
};
use crate::testing::{Client, ToolOutcome};

impl Client {
    /// The tools, of all pages.
    ///
    /// # Panics
    ///
    /// When the server answers with an error, or not at all; as all methods that are not called
    /// `try_…` do.
    pub async fn list_tools(&self) -> Vec<ToolDefinition> {
        self.list(method::TOOLS_LIST, "tools").await
    }

    /// The prompts, of all pages.
    ///
    /// # Panics
    ///
    /// When the server answers with an error, or not at all.
    pub async fn list_prompts(&self) -> Vec<PromptDefinition> {
        self.list(method::PROMPTS_LIST, "prompts").await
    }

    /// The resources, of all pages.
    ///
    /// # Panics
    ///
    /// When the server answers with an error, or not at all.
    pub async fn list_resources(&self) -> Vec<ResourceDefinition> {
        self.list(method::RESOURCES_LIST, "resources").await
    }

    /// The resource templates, of all pages.
    ///
    /// # Panics
    ///
    /// When the server answers with an error, or not at all.
    pub async fn list_resource_templates(&self) -> Vec<ResourceTemplateDefinition> {
        self.list(method::RESOURCES_TEMPLATES_LIST, "resourceTemplates")
            .await
    }

    /// Calls a tool. That it fails is a result as well: look at `is_error`.
    ///
    /// # Panics
    ///
    /// When the server answers with an error, or not at all.
    pub async fn call_tool(&self, name: &str, arguments: Value) -> ToolOutcome {
        let called = self.try_call_tool(name, arguments).await;
        called.unwrap_or_else(|error| panic!("tool `{name}`: {error}"))
    }

    /// Calls a tool.
    ///
    /// # Errors
    ///
    /// The error that the server answered with, for example because there is no such tool.
    ///
    /// # Panics
    ///
    /// When the server does not answer.
    pub async fn try_call_tool(
        &self,
        name: &str,
        arguments: Value,
    ) -> Result<ToolOutcome, RpcError> {
        let params = json!({"name": name, "arguments": arguments});
        self.exchange(method::TOOLS_CALL, params)
            .await
            .map(ToolOutcome::new)
    }

    /// Gets a prompt.
    ///
    /// # Panics
    ///
    /// When the server answers with an error, or not at all.
    pub async fn get_prompt(&self, name: &str, arguments: Value) -> GetPromptResult {
        let prompt = self.try_get_prompt(name, arguments).await;
        prompt.unwrap_or_else(|error| panic!("prompt `{name}`: {error}"))
    }

    /// Gets a prompt.
    ///
    /// # Errors
    ///
    /// The error that the server answered with.
    ///
    /// # Panics
    ///
    /// When the server does not answer.
    pub async fn try_get_prompt(
        &self,
        name: &str,
        arguments: Value,
    ) -> Result<GetPromptResult, RpcError> {
        let params = json!({"name": name, "arguments": arguments});
        self.typed(method::PROMPTS_GET, params).await
    }

    /// Reads a resource.
    ///
    /// # Panics
    ///
    /// When the server answers with an error, or not at all.
    pub async fn read_resource(&self, uri: &str) -> ReadResourceResult {
        let resource = self.try_read_resource(uri).await;
        resource.unwrap_or_else(|error| panic!("resource `{uri}`: {error}"))
    }

    /// Reads a resource.
    ///
    /// # Errors
    ///
    /// The error that the server answered with.
    ///
    /// # Panics
    ///
    /// When the server does not answer.
    pub async fn try_read_resource(&self, uri: &str) -> Result<ReadResourceResult, RpcError> {
        self.typed(method::RESOURCES_READ, json!({"uri": uri}))
            .await
    }

    /// Completes an argument of a prompt.
    ///
    /// # Panics
    ///
    /// When the server answers with an error, or not at all.
    pub async fn complete_prompt(&self, prompt: &str, argument: &str, value: &str) -> Completion {
        let reference = json!({"type": "ref/prompt", "name": prompt});
        self.complete(reference, argument, value).await
    }

    /// Completes a variable of a resource template.
    ///
    /// # Panics
    ///
    /// When the server answers with an error, or not at all.
    pub async fn complete_resource(
        &self,
        uri_template: &str,
        variable: &str,
        value: &str,
    ) -> Completion {
        let reference = json!({"type": "ref/resource", "uri": uri_template});
        self.complete(reference, variable, value).await
    }

    async fn complete(&self, reference: Value, argument: &str, value: &str) -> Completion {
        let params = json!({"ref": reference, "argument": {"name": argument, "value": value}});
        let completed = self.request(method::COMPLETION_COMPLETE, params).await;
        let completed = completed.unwrap_or_else(|error| panic!("completion: {error}"));
        read(method::COMPLETION_COMPLETE, &completed["completion"])
    }

    async fn list<T: DeserializeOwned>(&self, method: &str, member: &str) -> Vec<T> {
        let mut entries = Vec::new();
        let mut params = json!({});
        loop {
            let page = self.request(method, params).await;
            let page = page.unwrap_or_else(|error| panic!("`{method}`: {error}"));
            entries.extend(read::<Vec<T>>(method, &page[member]));
            match page.get("nextCursor") {
                Some(cursor) => params = json!({"cursor": cursor}),
                None => return entries,
            }
        }
    }

    async fn typed<T: DeserializeOwned>(&self, method: &str, params: Value) -> Result<T, RpcError> {
        self.exchange(method, params)
            .await
            .map(|result| read(method, &result))
    }
}

fn read<T: DeserializeOwned>(method: &str, value: &Value) -> T {
    match T::deserialize(value) {
        Ok(read) => read,
        Err(error) => panic!("not a result of `{method}`: {error}: {value}"),
    }
}
