//! What a client does at random, one thing at a time, and what must come of it.

use std::time::Duration;

use serde_json::{Value, json};

use mcp_session_tests::cluster::{PLAIN, USERS};

use crate::random::Random;
use crate::session::Lost;
use crate::setting::is_left_out;
use crate::walk::{Done, Walk};

/// What there is to do, and how often of a hundred times.
const STEPS: [(usize, Step); 23] = [
    (8, Step::Learn),
    (5, Step::Forget),
    (4, Step::Hide),
    (4, Step::Show),
    (6, Step::Say),
    (3, Step::SayUnknown),
    (6, Step::List),
    (10, Step::Count),
    (5, Step::Counted),
    (5, Step::Visit),
    (3, Step::Mint),
    (4, Step::Put),
    (3, Step::Look),
    (6, Step::Ask),
    (3, Step::Narrate),
    (2, Step::Level),
    (11, Step::Touch),
    (5, Step::Come),
    (2, Step::Leave),
    (2, Step::Resume),
    (3, Step::Both),
    (2, Step::LearnTwo),
    (2, Step::Cancel),
];

/// How soon every replica knows that a session has ended, or a call was given up.
pub(crate) const ENDED: Duration = Duration::from_secs(10);

#[derive(Debug, Clone, Copy)]
enum Step {
    Learn,
    Forget,
    Hide,
    Show,
    Say,
    SayUnknown,
    List,
    Count,
    Counted,
    Visit,
    Mint,
    Put,
    Look,
    Ask,
    Narrate,
    Level,
    Touch,
    Come,
    Leave,
    Resume,
    Both,
    LearnTwo,
    Cancel,
}

impl Step {
    fn any(random: &mut Random) -> Self {
        let all = STEPS.iter().map(|(weight, _)| weight).sum();
        let mut at = random.below(all);
        for (weight, step) in STEPS {
            if at < weight && !is_left_out(&format!("{step:?}")) {
                return step;
            } else if at < weight {
                break;
            }
            at -= weight;
        }
        Self::Count
    }
}

pub(crate) fn is(found: &str, expected: impl AsRef<str>) -> Done {
    let expected = expected.as_ref();
    if found == expected {
        return Ok(());
    }
    Err(format!("it said `{found}`, not `{expected}`"))
}

impl Walk {
    /// Does one thing.
    pub(crate) async fn step(&mut self) -> Done {
        match Step::any(&mut self.random) {
            Step::Learn => self.learn().await,
            Step::Forget => self.forget().await,
            Step::Hide => self.hide().await,
            Step::Show => self.show().await,
            Step::Say => self.say().await,
            Step::SayUnknown => self.say_unknown().await,
            Step::List => self.lists().await,
            Step::Count => self.count().await,
            Step::Counted => self.counted().await,
            Step::Visit => self.visit().await,
            Step::Mint => self.mint().await,
            Step::Put => self.put().await,
            Step::Look => self.look().await,
            Step::Ask => self.elicit().await,
            Step::Narrate => self.narrate().await,
            Step::Level => self.level().await,
            Step::Touch => self.touch().await,
            Step::Come => self.come().await,
            Step::Leave => self.leave().await,
            Step::Resume => self.resume().await,
            Step::Both => self.both().await,
            Step::LearnTwo => self.learn_two().await,
            Step::Cancel => self.cancel().await,
        }
    }

    /// Edits the session: the very next request, wherever it goes, sees the change.
    async fn edit(&mut self, tool: &str, arguments: Value) -> Result<String, String> {
        let before = self.listener.heard(|heard| heard.lists);
        let said = self.call(tool, arguments).await?;
        if self.listener.is_open() {
            self.expected.lists_before = Some(before);
        }
        Ok(said)
    }

    async fn learn(&mut self) -> Done {
        let name = self.random.below(12);
        let word = format!("word-{:04x}", self.random.next() & 0xffff);
        let arguments = json!({"name": name.to_string(), "word": word});
        let said = self.edit("learn", arguments).await?;
        is(&said, format!("learnt {name}"))?;
        self.expected.words.insert(name, word.clone());
        if self.random.percent(50) {
            return self.lists().await;
        }
        let said = self.call(&format!("say_{name}"), json!({})).await?;
        is(&said, word)
    }

    async fn forget(&mut self) -> Done {
        let known = self.expected.words.keys().copied();
        let Some(name) = self.random.one_of(known) else {
            return self.learn().await;
        };
        let tool = format!("say_{name}");
        let said = self.edit("hide", json!({"tool": tool})).await?;
        is(&said, "hidden")?;
        self.expected.words.remove(&name);
        self.gone_or_listed(&tool).await
    }

    async fn hide(&mut self) -> Done {
        let expected = &self.expected;
        let shown = (0..PLAIN).filter(|number| !expected.hidden.contains(number));
        let Some(number) = self.random.one_of(shown) else {
            return self.show().await;
        };
        let tool = format!("plain_{number}");
        let said = self.edit("hide", json!({"tool": tool})).await?;
        is(&said, "hidden")?;
        self.expected.hidden.insert(number);
        self.gone_or_listed(&tool).await
    }

    async fn show(&mut self) -> Done {
        let hidden = self.expected.hidden.iter().copied();
        let Some(number) = self.random.one_of(hidden) else {
            return self.hide_first().await;
        };
        let tool = format!("plain_{number}");
        let said = self.edit("show", json!({"tool": tool})).await?;
        is(&said, "shown")?;
        self.expected.hidden.remove(&number);
        if self.random.percent(50) {
            return self.lists().await;
        }
        let said = self.call(&tool, json!({})).await?;
        is(&said, format!("plain {number}"))
    }

    async fn hide_first(&mut self) -> Done {
        let said = self.edit("hide", json!({"tool": "plain_0"})).await?;
        is(&said, "hidden")?;
        self.expected.hidden.insert(0);
        self.lists().await
    }

    async fn gone_or_listed(&mut self, tool: &str) -> Done {
        if self.random.percent(50) {
            return self.lists().await;
        }
        self.is_unknown(tool).await
    }

    async fn is_unknown(&mut self, tool: &str) -> Done {
        self.note(format_args!("{tool}, which is not there"));
        match self.session.call(tool, json!({})).await {
            Err(Lost::Wrong(why)) if why.contains(tool) => Ok(()),
            other => Err(format!("{tool} is not there, and yet: {other:?}")),
        }
    }

    async fn say(&mut self) -> Done {
        let known = self.expected.words.clone();
        let Some((name, word)) = self.random.one_of(known) else {
            return self.learn().await;
        };
        let said = self.call(&format!("say_{name}"), json!({})).await?;
        is(&said, word)
    }

    async fn say_unknown(&mut self) -> Done {
        let hidden = self.expected.hidden.iter().copied();
        let hidden = self.random.one_of(hidden);
        let tool = hidden.map_or_else(|| "say_99".to_owned(), |it| format!("plain_{it}"));
        self.is_unknown(&tool).await
    }

    async fn count(&mut self) -> Done {
        let said = self.call("count", json!({})).await?;
        self.expected.count += 1;
        is(&said, self.expected.count.to_string())
    }

    async fn counted(&mut self) -> Done {
        let said = self.call("counted", json!({})).await?;
        is(&said, self.expected.count.to_string())
    }

    async fn visit(&mut self) -> Done {
        let Some(user) = self.user else {
            return self.count().await;
        };
        let before = self.users.visits[user].load(std::sync::atomic::Ordering::SeqCst);
        let said = self.call("visit", json!({})).await?;
        self.visited(user);
        // What was counted before is counted; others count at the same time.
        match said.parse::<u64>() {
            Ok(visits) if visits > before => Ok(()),
            _ => Err(format!("visit {said} came after {before}")),
        }
    }

    async fn mint(&mut self) -> Done {
        if self.expected.bags.len() >= 3 {
            return self.put().await;
        }
        let bag = self.call("mint", json!({})).await?;
        self.expected.bags.push((bag, Vec::new()));
        Ok(())
    }

    async fn put(&mut self) -> Done {
        let Some(index) = self.random.one_of(0..self.expected.bags.len()) else {
            return self.count().await;
        };
        let item = format!("{:x}", self.random.next() & 0xfff);
        let (bag, items) = &mut self.expected.bags[index];
        items.push(item.clone());
        let (bag, items) = (bag.clone(), items.join(" "));
        let said = self.call("put", json!({"bag": bag, "item": item})).await?;
        is(&said, items)
    }

    async fn look(&mut self) -> Done {
        let bags = self.expected.bags.clone();
        let Some((bag, items)) = self.random.one_of(bags) else {
            return self.counted().await;
        };
        let said = self.call("look", json!({"bag": bag})).await?;
        is(&said, items.join(" "))
    }

    /// Three at a time, at three replicas.
    async fn both(&mut self) -> Done {
        self.note("slow, count, count");
        let slow = self.session.call("slow", json!({"ms": 30}));
        let one = self.session.call("count", json!({}));
        let two = self.session.call("count", json!({}));
        let (slow, one, two) = tokio::join!(slow, one, two);
        is(&slow.map_err(|lost| lost.to_string())?, "slept 30")?;
        let before = self.expected.count;
        self.expected.count += 2;
        let mut counted = [
            one.map_err(|lost| lost.to_string())?,
            two.map_err(|lost| lost.to_string())?,
        ];
        counted.sort_by_key(|count| count.parse().unwrap_or(0_u64));
        is(&counted.join(" "), format!("{} {}", before + 1, before + 2))
    }

    /// Two changes at a time, at two replicas: neither is lost.
    async fn learn_two(&mut self) -> Done {
        let (one, two) = (self.random.below(6), 6 + self.random.below(6));
        let word = format!("word-{:04x}", self.random.next() & 0xffff);
        self.note(format_args!("learn {one}, learn {two}"));
        let before = self.listener.heard(|heard| heard.lists);
        let learn = |name: usize| json!({"name": name.to_string(), "word": word});
        let first = self.session.call("learn", learn(one));
        let second = self.session.call("learn", learn(two));
        let (first, second) = tokio::join!(first, second);
        is(
            &first.map_err(|lost| lost.to_string())?,
            format!("learnt {one}"),
        )?;
        is(
            &second.map_err(|lost| lost.to_string())?,
            format!("learnt {two}"),
        )?;
        if self.listener.is_open() {
            self.expected.lists_before = Some(before);
        }
        self.expected.words.insert(one, word.clone());
        self.expected.words.insert(two, word);
        self.lists().await
    }

    /// Hears everything it is still to be told, shows the session to nobody else, and ends it.
    pub(crate) async fn end(&mut self) -> Done {
        if !self.listener.is_open() && !is_left_out("Come") {
            self.come().await?;
        }
        self.settles().await?;
        self.counted().await?;
        self.lists().await?;
        if let Some(user) = self.user {
            let thief = self.session.stolen_by((user + 1) % USERS);
            if !matches!(thief.ask("ping", json!({})).await, Err(Lost::Unknown)) {
                return Err("somebody else got the session".to_owned());
            }
        }
        self.note("ends");
        match self.session.delete().await {
            Ok(true) => {}
            other => return Err(format!("ending it: {other:?}")),
        }
        let gone = async {
            let mut in_a_row = 0;
            while in_a_row < 4 {
                let known = !matches!(
                    self.session.ask("ping", json!({})).await,
                    Err(Lost::Unknown)
                );
                in_a_row = if known { 0 } else { in_a_row + 1 };
            }
        };
        let gone = tokio::time::timeout(ENDED, gone).await;
        gone.map_err(|_| "a replica still knows a session that ended".to_owned())
    }
}
