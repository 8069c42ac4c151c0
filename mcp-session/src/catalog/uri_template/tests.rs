//! Proves what URI templates match, and that matching and expanding agree.

use proptest::prelude::*;

use super::*;

fn parse(template: &str) -> UriTemplate {
    UriTemplate::parse(template).unwrap()
}

/// The values found, as `name=value` pairs, or `-` for no match.
fn found(template: &str, uri: &str) -> String {
    match parse(template).matches(uri) {
        Some(found) => {
            let pairs: Vec<String> = found.iter().map(|(n, v)| format!("{n}={v}")).collect();
            pairs.join(" ")
        }
        None => "-".to_owned(),
    }
}

#[test]
fn every_operator_matches_what_it_expands_to() {
    for (template, uri, expected) in [
        ("x://{id}", "x://7", "id=7"),
        ("x://{id}", "x://", "-"),
        ("x://{id}", "x://a/b", "-"),
        ("x://{id}", "x://a%2Fb", "id=a/b"),
        ("x://{id}", "x://a?b", "-"),
        ("x://{id}", "x://joe@example.com", "id=joe@example.com"),
        ("x://{a}/{b}", "x://1/2", "a=1 b=2"),
        ("x://{a},{b}", "x://1,2", "a=1 b=2"),
        ("x://{a,b}", "x://1,2", "a=1 b=2"),
        ("x://{a,b}", "x://1", "a=1"),
        ("x://{a}{b}", "x://123", "a=12 b=3"),
        ("x://{a}-{b}", "x://1-2-3", "a=1-2 b=3"),
        ("x://{a}/{a}", "x://1/1", "a=1"),
        ("x://{a}/{a}", "x://1/2", "-"),
        ("file:///{+path}", "file:///a/b%20c.txt", "path=a/b c.txt"),
        ("file:///{+path}{?v}", "file:///a/b?v=1", "path=a/b v=1"),
        ("x:{+path}{#part}", "x:a/b?c#d/e", "path=a/b?c part=d/e"),
        ("x://h{#part}", "x://h", ""),
        ("x://h{#part}", "x://h#p?q", "part=p?q"),
        ("x://file{.ext}", "x://file.tar.gz", "ext=tar.gz"),
        ("x://file{.ext}", "x://file", ""),
        (
            "x://{name}{.ext}",
            "x://file.tar.gz",
            "name=file ext=tar.gz",
        ),
        ("x://{host}/f{.ext}", "x://a.b/f.c", "host=a.b ext=c"),
        ("x://{a}{;p}", "x://1;p=2", "a=1 p=2"),
        ("x://h?v={a}{&b}", "x://h?v=1&b=2", "a=1 b=2"),
        ("x://www{.a,b}", "x://www.example.com", "a=example b=com"),
        ("x://h{/seg}", "x://h/a", "seg=a"),
        ("x://h{/seg}", "x://h/a/b", "-"),
        ("x://h{/path*}", "x://h/a/b%2Fc", "path=a/b/c"),
        ("x://h{/path*}", "x://h", ""),
        ("x://h{/a,path*}", "x://h/1/2/3", "a=1 path=2/3"),
        ("x://h{;p,q}", "x://h;p=1;q=2", "p=1 q=2"),
        ("x://h{;p,q}", "x://h;q=2", "q=2"),
        ("x://h{;p,q}", "x://h;q=2;p=1", "-"),
        ("x://h{;p}", "x://h;p", "p="),
        ("x://h{?q,r}", "x://h?q=1&r=2", "q=1 r=2"),
        ("x://h{?q,r}", "x://h?r=2&q=1", "q=1 r=2"),
        ("x://h{?q,r}", "x://h?r=2", "r=2"),
        ("x://h{?q,r}", "x://h", ""),
        ("x://h{?q,r}", "x://h?z=1", "-"),
        ("x://h{?q,r}", "x://h?q=1&q=2", "-"),
        ("x://h{?q,qq}", "x://h?qq=2&q=1", "q=1 qq=2"),
        ("x://h{?q*}", "x://h?q=1&q=2", "q=1,2"),
        ("x://h{?q*,r}", "x://h?q=1&r=3&q=2", "q=1,2 r=3"),
        ("x://h{?q}", "x://h?q=1,2", "q=1,2"),
        ("x://{city}", "x://Oslo,Norway", "city=Oslo,Norway"),
        ("x://h?fixed=1{&c}", "x://h?fixed=1&c=2", "c=2"),
        ("x://h{?a}{&b}", "x://h?a=1&b=2", "a=1 b=2"),
        ("x://~user/{id}", "x://%7Euser/1", "id=1"),
        ("x://ä/{id}", "x://%c3%a4/1", "id=1"),
        ("x://%C3%A4/{id}", "x://ä/ö", "id=ö"),
        ("x://{id}", "x://%FF", "-"),
        ("x://{id}", "x://50%", "id=50%"),
        ("x://a.c", "x://abc", "-"),
    ] {
        assert_eq!(found(template, uri), expected, "{template} against {uri}");
    }
}

/// The examples of RFC 6570 sections 1.2 and 3.2, without prefixes and associative arrays.
#[test]
fn expansion_follows_the_rfc() {
    let mut variables: UriVariables = [
        ("var", "value"),
        ("hello", "Hello World!"),
        ("path", "/foo/bar"),
        ("half", "50%"),
        ("empty", ""),
        ("x", "1024"),
        ("y", "768"),
        ("who", "fred"),
        ("base", "http://example.com/home/"),
    ]
    .into_iter()
    .collect();
    let list = ["red", "green", "blue"];
    variables.set_list("list", list.map(str::to_owned).into());
    for (template, expected) in [
        ("{var}", "value"),
        ("{hello}", "Hello%20World%21"),
        ("{half}", "50%25"),
        ("O{empty}X", "OX"),
        ("O{undef}X", "OX"),
        ("{x,y}", "1024,768"),
        ("{x,hello,y}", "1024,Hello%20World%21,768"),
        ("?{x,empty}", "?1024,"),
        ("?{x,undef}", "?1024"),
        ("{list}", "red,green,blue"),
        ("{list*}", "red,green,blue"),
        ("{+hello}", "Hello%20World!"),
        ("{+half}", "50%25"),
        ("{base}index", "http%3A%2F%2Fexample.com%2Fhome%2Findex"),
        ("{+base}index", "http://example.com/home/index"),
        ("O{+empty}X", "OX"),
        ("up{+path}{var}/here", "up/foo/barvalue/here"),
        ("{+x,hello,y}", "1024,Hello%20World!,768"),
        ("{+path,x}/here", "/foo/bar,1024/here"),
        ("{#path,x}/here", "#/foo/bar,1024/here"),
        ("{#x,hello,y}", "#1024,Hello%20World!,768"),
        ("foo{#empty}", "foo#"),
        ("foo{#undef}", "foo"),
        ("{.who,who}", ".fred.fred"),
        ("X{.var}", "X.value"),
        ("X{.empty}", "X."),
        ("X{.undef}", "X"),
        ("X{.list}", "X.red,green,blue"),
        ("X{.list*}", "X.red.green.blue"),
        ("{/var,empty}", "/value/"),
        ("{/var,undef}", "/value"),
        ("{/var,x}/here", "/value/1024/here"),
        ("{/list}", "/red,green,blue"),
        ("{/list*}", "/red/green/blue"),
        ("{;x,y,empty}", ";x=1024;y=768;empty"),
        ("{;x,y,undef}", ";x=1024;y=768"),
        ("{;list}", ";list=red,green,blue"),
        ("{;list*}", ";list=red;list=green;list=blue"),
        ("{?x,y,empty}", "?x=1024&y=768&empty="),
        ("{?list}", "?list=red,green,blue"),
        ("{?list*}", "?list=red&list=green&list=blue"),
        ("?fixed=yes{&x}", "?fixed=yes&x=1024"),
        ("{&x,y,empty}", "&x=1024&y=768&empty="),
    ] {
        assert_eq!(parse(template).expand(&variables), expected, "{template}");
    }
}

#[test]
fn lists_keep_their_items() {
    let found = parse("x://h{/path*}").matches("x://h/a/b%2Fc").unwrap();
    assert_eq!(found.list("path").collect::<Vec<_>>(), ["a", "b/c"]);
    let found = parse("x://{ids}").matches("x://1,2%2C3").unwrap();
    assert_eq!(found.list("ids").collect::<Vec<_>>(), ["1", "2,3"]);
    let found = parse("x://{id}").matches("x://1").unwrap();
    assert_eq!(found.list("id").collect::<Vec<_>>(), ["1"]);
    assert!(!found.is_list("id"));
    assert_eq!(found.list("other").count(), 0);
}

#[test]
fn bad_templates_are_refused_with_a_reason() {
    for (template, reason) in [
        ("x://{id", "not closed"),
        ("x://{}", "invalid"),
        ("x://{id:3}", "cannot be matched"),
        ("x://{=id}", "operator"),
        ("x://id}", "invalid"),
        ("x:// {id}", "invalid"),
    ] {
        let error = UriTemplate::parse(template).unwrap_err().to_string();
        assert!(error.contains(reason), "{template}: {error}");
    }
    assert!(UriTemplate::parse(&format!("x:{}", "a".repeat(3_000))).is_err());
    let many: String = (0..70).map(|n| format!("{{v{n}}}/")).collect();
    assert!(UriTemplate::parse(&many).is_err());
}

#[test]
fn variables_are_named_once_and_in_order() {
    let template = parse("x://{b}/{a}{?b,c}");
    assert_eq!(template.variables().collect::<Vec<_>>(), ["b", "a", "c"]);
    assert_eq!(template.as_str(), "x://{b}/{a}{?b,c}");
}

#[test]
fn long_ambiguous_uris_take_linear_time() {
    let template = parse(&format!("x:{}!", "{a}{b}{c}{d}".repeat(8)));
    assert!(
        template
            .matches(&format!("x:{}", "a".repeat(20_000)))
            .is_none()
    );
}

#[test]
fn values_decode_into_types() {
    #[derive(Debug, serde::Deserialize, PartialEq)]
    #[serde(rename_all = "lowercase")]
    enum Unit {
        Metric,
    }
    #[derive(Debug, serde::Deserialize, PartialEq)]
    struct Args {
        id: u32,
        unit: Unit,
        path: Vec<String>,
        deep: Option<bool>,
        gone: Option<String>,
    }
    let found = parse("x://{id}/{unit}{/path*}{?deep,gone}").matches("x://7/metric/a/b?deep=true");
    let args: Args = found.unwrap().deserialize().unwrap();
    let path = vec!["a".to_owned(), "b".to_owned()];
    assert_eq!(
        args,
        Args {
            id: 7,
            unit: Unit::Metric,
            path,
            deep: Some(true),
            gone: None
        }
    );

    let found = parse("x://{id}").matches("x://12").unwrap();
    assert_eq!(found.deserialize::<u64>().unwrap(), 12);
    assert_eq!(found.deserialize::<String>().unwrap(), "12");
    assert_eq!(found.deserialize::<(i8,)>().unwrap(), (12,));
    let error = found.deserialize::<Args>().unwrap_err().to_string();
    assert_eq!(error, "missing field `unit`");

    let found = parse("x://{id}").matches("x://twelve").unwrap();
    let error = found.deserialize::<Args>().unwrap_err();
    assert_eq!(
        error.to_string(),
        "`id`: invalid value: string \"twelve\", expected an integer of at least 0"
    );
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_was_expanded_matches_with_the_same_values(
        id in "\\PC{1,12}",
        path in proptest::collection::vec("[^%]{1,6}", 0..5),
        query in proptest::option::of("\\PC{0,8}"),
        label in proptest::option::of("[a-z/?#,;&= äöü]{1,6}"),
        part in proptest::option::of("[a-zä ]{1,6}"),
    ) {
        let template = parse("x://{id}/s{/path*}{;label}{?query}{#part}");
        let mut variables = UriVariables::new();
        variables.set("id", id);
        variables.set_list("path", path);
        if let Some(label) = label {
            variables.set("label", label);
        }
        if let Some(query) = query {
            variables.set("query", query);
        }
        if let Some(part) = part {
            variables.set("part", part);
        }
        let uri = template.expand(&variables);
        let found = template.matches(&uri);
        prop_assert!(found.is_some(), "{uri}");
        let found = found.unwrap();
        for (name, value) in variables.iter() {
            prop_assert!(found.list(name).eq(variables.list(name)), "{name}={value} in {uri}");
        }
        prop_assert_eq!(found.len(), variables.len());
        prop_assert_eq!(template.expand(&found), uri);
    }

    #[test]
    fn labels_and_reserved_text_come_back_too(
        name in "[a-z äö/,;&=]{1,8}",
        ext in proptest::option::of("[a-z.]{1,6}"),
        path in "[a-z äö/.,;&=:@]{1,12}",
    ) {
        let template = parse("x://{name}{.ext}/{+path}");
        let mut variables = UriVariables::new();
        variables.set("name", name);
        if let Some(ext) = ext {
            variables.set("ext", ext);
        }
        variables.set("path", path);
        let found = template.matches(&template.expand(&variables));
        prop_assert_eq!(found, Some(variables));
    }

    #[test]
    fn matching_never_panics(template in "[a-z{}/?#.;&,+*:%]{0,20}", uri in "\\PC{0,30}") {
        if let Ok(template) = UriTemplate::parse(&template) {
            let variables = template.matches(&uri).unwrap_or_default();
            let _ = template.expand(&variables);
        }
    }
}
