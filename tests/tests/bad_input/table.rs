//! The inputs, and what each is answered with.

/// Text that is not JSON, and what the parser says of it: -32700, HTTP 400, no id.
pub(super) const NOT_JSON: &[(&str, &str)] = &[
    ("{", "EOF while parsing an object at line 1 column 1"),
    ("[", "EOF while parsing a list at line 1 column 1"),
    ("}", "expected value at line 1 column 1"),
    ("not json", "expected ident at line 1 column 2"),
    ("nul", "EOF while parsing a value at line 1 column 3"),
    (
        r#""unclosed"#,
        "EOF while parsing a string at line 1 column 9",
    ),
    ("\u{feff}{}", "expected value at line 1 column 1"),
    (
        r#"{"jsonrpc":"2.0","id":1,"method":"ping""#,
        "EOF while parsing an object at line 1 column 39",
    ),
    (
        r#"{'jsonrpc':'2.0','id':1,'method':'ping'}"#,
        "key must be a string at line 1 column 2",
    ),
    (
        r#"{"jsonrpc":"2.0","id":1,"method":"ping",}"#,
        "trailing comma at line 1 column 41",
    ),
    (
        r#"{"jsonrpc":"2.0","id":1,"method":"ping"} {}"#,
        "trailing characters at line 1 column 42",
    ),
    (
        r#"{"jsonrpc":"2.0","id":NaN,"method":"ping"}"#,
        "expected value at line 1 column 23",
    ),
    (
        r#"{"jsonrpc":"2.0","id":01,"method":"ping"}"#,
        "invalid number at line 1 column 24",
    ),
    (
        r#"{"jsonrpc":"2.0","id":1,"method":"\ud800"}"#,
        "a \\u escape is half of a surrogate pair",
    ),
    (
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"pi\tng\"}",
        "control character (\\u0000-\\u001F) found while parsing a string at line 1 column 36",
    ),
];

const NO_OBJECT: &str = "a message is an object";
const NO_VERSION: &str = "`jsonrpc` must be \"2.0\"";
const BAD_ID: &str = "`id` must be a string or an integer";
const BAD_METHOD: &str = "`method` must be a string";
const BAD_PARAMS: &str = "`params` must be an object";
const BAD_ERROR: &str = "`error` must have an integer `code` and a string `message`";

/// JSON that is no message, and why: -32600, HTTP 400, with the id 1 if it could be read.
pub(super) const NO_MESSAGE: &[(&str, bool, &str)] = &[
    ("1", false, NO_OBJECT),
    ("\"ping\"", false, NO_OBJECT),
    ("null", false, NO_OBJECT),
    ("true", false, NO_OBJECT),
    ("{}", false, NO_VERSION),
    (r#"{"id":1,"method":"ping"}"#, true, NO_VERSION),
    (
        r#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#,
        true,
        NO_VERSION,
    ),
    (
        r#"{"jsonrpc":2.0,"id":1,"method":"ping"}"#,
        true,
        NO_VERSION,
    ),
    (
        r#"{"jsonrpc":null,"id":1,"method":"ping"}"#,
        true,
        NO_VERSION,
    ),
    (
        r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#,
        false,
        BAD_ID,
    ),
    (
        r#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#,
        false,
        BAD_ID,
    ),
    (
        r#"{"jsonrpc":"2.0","id":1e0,"method":"ping"}"#,
        false,
        BAD_ID,
    ),
    (
        r#"{"jsonrpc":"2.0","id":true,"method":"ping"}"#,
        false,
        BAD_ID,
    ),
    (
        r#"{"jsonrpc":"2.0","id":{},"method":"ping"}"#,
        false,
        BAD_ID,
    ),
    (
        r#"{"jsonrpc":"2.0","id":[1],"method":"ping"}"#,
        false,
        BAD_ID,
    ),
    (
        r#"{"jsonrpc":"2.0","id":9223372036854775808,"method":"ping"}"#,
        false,
        BAD_ID,
    ),
    (r#"{"jsonrpc":"2.0","id":1}"#, true, "there is no `method`"),
    (r#"{"jsonrpc":"2.0","id":1,"method":7}"#, true, BAD_METHOD),
    (
        r#"{"jsonrpc":"2.0","id":1,"method":null}"#,
        true,
        BAD_METHOD,
    ),
    (r#"{"jsonrpc":"2.0","method":7}"#, false, BAD_METHOD),
    (
        r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}"#,
        true,
        BAD_PARAMS,
    ),
    (
        r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":null}"#,
        true,
        BAD_PARAMS,
    ),
    (
        r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":"x"}"#,
        true,
        BAD_PARAMS,
    ),
    (
        r#"{"jsonrpc":"2.0","method":"notifications/x","params":7}"#,
        false,
        BAD_PARAMS,
    ),
    (
        r#"{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}"#,
        false,
        "`id` appears twice",
    ),
    (
        r#"{"jsonrpc":"2.0","id":1,"method":"ping","method":"ping"}"#,
        true,
        "`method` appears twice",
    ),
    (
        r#"{"jsonrpc":"2.0","id":1,"method":"ping","result":{}}"#,
        true,
        "a message has either `method` or an outcome",
    ),
    (
        r#"{"jsonrpc":"2.0","id":1,"result":{},"error":{"code":1,"message":"m"}}"#,
        true,
        "a response has either `result` or `error`, not both",
    ),
    (
        r#"{"jsonrpc":"2.0","result":{}}"#,
        false,
        "the `id` of a result must be a string or an integer",
    ),
    (
        r#"{"jsonrpc":"2.0","id":1.5,"result":{}}"#,
        false,
        "the `id` of a result must be a string or an integer",
    ),
    (
        r#"{"jsonrpc":"2.0","id":{},"error":{"code":1,"message":"m"}}"#,
        false,
        "the `id` of an error must be a string or an integer",
    ),
    (
        r#"{"jsonrpc":"2.0","id":1,"result":7}"#,
        true,
        "`result` must be an object",
    ),
    (r#"{"jsonrpc":"2.0","id":1,"error":"no"}"#, true, BAD_ERROR),
    (
        r#"{"jsonrpc":"2.0","id":1,"error":{"message":"m"}}"#,
        true,
        BAD_ERROR,
    ),
    (
        r#"{"jsonrpc":"2.0","id":1,"error":{"code":"1","message":"m"}}"#,
        true,
        BAD_ERROR,
    ),
    ("[]", false, "the batch is empty"),
];

/// Methods that a handshake session does not have: -32601, HTTP 200.
pub(super) const NOT_IN_HANDSHAKES: &[&str] = &[
    "",
    "no/such",
    "Tools/List",
    "notifications/initialized",
    "server/discover",
    "subscriptions/listen",
    "tasks/get",
];

/// Methods that a stateless request does not have: -32601, HTTP 404.
pub(super) const NOT_STATELESS: &[&str] = &[
    "",
    "no/such",
    "initialize",
    "ping",
    "logging/setLevel",
    "resources/subscribe",
    "resources/unsubscribe",
    "roots/list",
];

const BAD_CURSOR: &str =
    "the cursor is none of this list, or the list has changed since: list again from the start";

/// Parameters that do not fit their method, in both eras: -32602, HTTP 200. What stands first is
/// the method, then the members of the parameters.
pub(super) const WRONG_PARAMS: &[(&str, &str, &str)] = &[
    (
        "tools/call",
        r#""name":7"#,
        "invalid params: invalid type: integer `7`, expected a string",
    ),
    (
        "tools/call",
        r#""name":"add","arguments":[]"#,
        "invalid params: `arguments` must be an object",
    ),
    (
        "tools/call",
        r#""name":"add","arguments":null"#,
        "invalid params: `arguments` must be an object",
    ),
    (
        "tools/call",
        r#""name":"add","arguments":"a""#,
        "invalid params: `arguments` must be an object",
    ),
    (
        "tools/call",
        r#""name":"add","inputResponses":[]"#,
        "invalid params: `inputResponses` must be an object",
    ),
    (
        "tools/call",
        r#""name":"add","requestState":7"#,
        "invalid params: invalid type: integer `7`, expected a string",
    ),
    ("tools/call", r#""name":"sub""#, "unknown tool: sub"),
    ("tools/call", r#""name":"""#, "unknown tool: "),
    (
        "tools/list",
        r#""cursor":7"#,
        "invalid params: invalid type: integer `7`, expected a string",
    ),
    ("tools/list", r#""cursor":"""#, BAD_CURSOR),
    ("tools/list", r#""cursor":"AAAAAAAAAAAAAAAAAA""#, BAD_CURSOR),
    ("prompts/list", r#""cursor":"x""#, BAD_CURSOR),
    ("resources/list", r#""cursor":"x""#, BAD_CURSOR),
    ("resources/templates/list", r#""cursor":"x""#, BAD_CURSOR),
    (
        "resources/read",
        r#""uri":7"#,
        "invalid params: invalid type: integer `7`, expected a string",
    ),
    ("prompts/get", r#""name":"none""#, "unknown prompt: none"),
    ("prompts/get", r#""name":"greet""#, "`name`: missing"),
    (
        "prompts/get",
        r#""name":"greet","arguments":{"name":7}"#,
        "invalid params: invalid type: integer `7`, expected a string",
    ),
    (
        "completion/complete",
        r#""ref":{"type":"ref/tool","name":"add"},"argument":{"name":"a","value":""}"#,
        "invalid params: unknown variant `ref/tool`, expected `ref/prompt` or `ref/resource`",
    ),
    (
        "completion/complete",
        r#""ref":{"type":"ref/prompt","name":"none"},"argument":{"name":"a","value":""}"#,
        "unknown prompt: none",
    ),
    (
        "completion/complete",
        r#""ref":{"type":"ref/prompt","name":"greet"},"argument":{"name":"name","value":7}"#,
        "invalid params: invalid type: integer `7`, expected a string",
    ),
];

/// `_meta` that is wrong in either era: -32602, HTTP 400. The members of the parameters come
/// first.
pub(super) const WRONG_META: &[(&str, &str)] = &[
    (
        r#""_meta":7"#,
        "invalid type: integer `7`, expected an object as `_meta`",
    ),
    (
        r#""_meta":null"#,
        "invalid type: null, expected an object as `_meta`",
    ),
    (r#""_meta":{},"_meta":{}"#, "`_meta` appears twice"),
    (
        r#""_meta":{"progressToken":1.5}"#,
        "`_meta[\"progressToken\"]`: invalid type: floating point `1.5`, expected a string or an integer",
    ),
    (
        r#""_meta":{"progressToken":null}"#,
        "`_meta[\"progressToken\"]`: invalid type: null, expected a string or an integer",
    ),
    (
        r#""_meta":{"io.modelcontextprotocol/protocolVersion":7}"#,
        "`_meta[\"io.modelcontextprotocol/protocolVersion\"]`: invalid type: integer `7`, expected a string",
    ),
    (
        r#""_meta":{"io.modelcontextprotocol/clientCapabilities":[]}"#,
        "`_meta[\"io.modelcontextprotocol/clientCapabilities\"]`: invalid type: array, expected an object",
    ),
    (
        r#""_meta":{"io.modelcontextprotocol/clientInfo":"me"}"#,
        "`_meta[\"io.modelcontextprotocol/clientInfo\"]`: invalid type: string \"me\", expected an object",
    ),
];

/// Batches in the one revision that has them, with the HTTP status and the answer.
pub(super) const BATCHES: &[(&str, u16, &str)] = &[
    (
        "[]",
        400,
        r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"invalid request: the batch is empty"}}"#,
    ),
    (
        "[7]",
        200,
        r#"[{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"invalid request: a message is an object"}}]"#,
    ),
    (
        r#"[[{"jsonrpc":"2.0","id":1,"method":"ping"}]]"#,
        200,
        r#"[{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"invalid request: a message is an object"}}]"#,
    ),
    (
        r#"[{"jsonrpc":"2.0","id":1,"method":"initialize","params":{}}]"#,
        400,
        r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"`initialize` cannot be part of a batch"}}"#,
    ),
    (
        r#"[{"jsonrpc":"2.0","id":1,"method":"ping"},]"#,
        400,
        r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"parse error: trailing comma at line 1 column 43"}}"#,
    ),
    (
        r#"[{"jsonrpc":"2.0","id":1,"method":"ping"},{"jsonrpc":"2.0","id":null,"method":"ping"}]"#,
        200,
        r#"[{"jsonrpc":"2.0","id":1,"result":{}},{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"invalid request: `id` must be a string or an integer"}}]"#,
    ),
];
