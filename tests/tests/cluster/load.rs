//! Clients that go on while replicas and engines die: what fails they try again, and what was
//! acknowledged they count on.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use mcp_session_examples::Wire;
use mcp_session_tests::cluster::{NOTE, USERS};
use serde_json::{Value, json};

use crate::listener::Listener;
use crate::random::Random;
use crate::session::{Lost, Session, WORD};
use crate::setting::{is_left_out, now};

/// How long a client that tries again may go without success.
const PATIENCE: Duration = Duration::from_secs(30);

/// How many steps are told when one goes wrong.
const REMEMBERED: usize = 12;

/// What all clients share.
#[derive(Default)]
pub(crate) struct Load {
    /// From here on nothing more is begun.
    pub(crate) over: AtomicBool,
    /// What was acknowledged.
    pub(crate) done: AtomicUsize,
    /// What failed and was tried again, and why.
    pub(crate) again: parking_lot::Mutex<BTreeMap<String, usize>>,
    /// How long somebody waited longest.
    pub(crate) longest_ms: AtomicU64,
    /// Notes that were touched, and of those the ones that were never told.
    pub(crate) touched: AtomicUsize,
    pub(crate) untold: AtomicUsize,
    /// How often a stream could not be resumed.
    pub(crate) anew: AtomicUsize,
    pauses: AtomicU64,
    /// What users counted: what is certain, and what may have been.
    pub(crate) certain: [AtomicU64; USERS],
    pub(crate) possible: [AtomicU64; USERS],
}

/// What a client did last, and how that went.
#[derive(Debug, Default)]
struct Steps(parking_lot::Mutex<VecDeque<String>>);

impl Steps {
    fn note(&self, what: &str, failed: Option<&str>) {
        let mut steps = self.0.lock();
        if steps.len() == REMEMBERED {
            steps.pop_front();
        }
        let failed = failed.map(|why| format!(": {}", sort(why)));
        steps.push_back(format!("{what}{}", failed.unwrap_or_default()));
    }
}

/// One client with one session.
pub(crate) struct Client {
    load: Arc<Load>,
    steps: Steps,
    pub(crate) session: Arc<Session>,
    user: usize,
    random: Random,
    listener: Option<Listener>,
    words: BTreeMap<u64, String>,
    /// What was counted: what is certain, and what may have been.
    certain: u64,
    possible: u64,
    bag: Option<String>,
    items: BTreeSet<String>,
    notes: u64,
    touched: BTreeSet<u64>,
}

type Done<T = ()> = Result<T, String>;

impl Client {
    pub(crate) async fn open(load: Arc<Load>, wire: Wire, seed: u64) -> Done<Self> {
        let mut random = Random::new(seed);
        let user = random.below(USERS);
        let steps = Steps::default();
        let opened = async || Session::open(&wire, Some(user)).await;
        let session = Arc::new(load.insist(&steps, "initialize", opened).await?);
        let listens = random.percent(50);
        Ok(Self {
            listener: listens.then(|| Listener::forgiving(Arc::clone(&session))),
            load,
            steps,
            session,
            user,
            random,
            words: BTreeMap::new(),
            certain: 0,
            possible: 0,
            bag: None,
            items: BTreeSet::new(),
            notes: 0,
            touched: BTreeSet::new(),
        })
    }

    /// Does one thing after the other until it is over.
    pub(crate) async fn run(mut self) -> Done<Self> {
        if let Some(listener) = &mut self.listener {
            let opened = self.load.until_open(listener).await;
            opened.map_err(|why| format!("the stream: {why}"))?;
        }
        while !self.load.over.load(Ordering::Relaxed) {
            let what = self.random.below(9);
            let done = match what {
                0 => self.learn().await,
                1 | 2 => self.count().await,
                3 => self.visit().await,
                4 => self.put().await,
                5 if !is_left_out("Ask") => self.ask().await,
                6 => self.slow().await,
                7 => self.touch().await,
                _ => self.check().await,
            };
            if let Err(why) = done {
                let found = self.found().await;
                return Err(format!("{what}: {why}; {self:?}; then found: {found:?}"));
            }
            self.load.done.fetch_add(1, Ordering::Relaxed);
        }
        Ok(self)
    }

    async fn learn(&mut self) -> Done {
        let name = self.random.next() % 20;
        let word = format!("word-{:04x}", self.random.next() & 0xffff);
        let arguments = json!({"name": name.to_string(), "word": word});
        let session = Arc::clone(&self.session);
        let learnt = async || session.call("learn", arguments.clone()).await;
        self.insist("learn", learnt).await?;
        self.words.insert(name, word.clone());
        let tool = format!("say_{name}");
        let said = async || session.call(&tool, json!({})).await;
        is(&self.insist("say", said).await?, &word)
    }

    async fn count(&mut self) -> Done {
        let (session, tried) = (Arc::clone(&self.session), AtomicU64::new(0));
        let counted = async || {
            tried.fetch_add(1, Ordering::Relaxed);
            session.call("count", json!({})).await
        };
        let said = self.insist("count", counted).await?;
        self.possible += tried.into_inner();
        let count = said.parse().unwrap_or(0);
        if count <= self.certain || count > self.possible {
            return Err(format!("counted {count}"));
        }
        self.certain = count;
        Ok(())
    }

    async fn visit(&self) -> Done {
        let (session, possible) = (&self.session, &self.load.possible[self.user]);
        let visited = async || {
            possible.fetch_add(1, Ordering::SeqCst);
            session.call("visit", json!({})).await
        };
        self.insist("visit", visited).await?;
        self.load.certain[self.user].fetch_add(1, Ordering::SeqCst);
        Ok(())
    }

    async fn put(&mut self) -> Done {
        let session = Arc::clone(&self.session);
        let bag = if let Some(bag) = &self.bag {
            bag.clone()
        } else {
            let made = async || session.call("mint", json!({})).await;
            let bag = self.insist("mint", made).await?;
            self.bag.insert(bag).clone()
        };
        let item = format!("{:x}", self.random.next() & 0xff_ffff);
        let arguments = json!({"bag": bag, "item": item});
        let put = async || session.call("put", arguments.clone()).await;
        self.insist("put", put).await?;
        self.items.insert(item);
        if self.items.len() > 100 {
            (self.bag, self.items) = (None, BTreeSet::new());
        }
        Ok(())
    }

    async fn ask(&mut self) -> Done {
        let what = format!("fruit-{:x}", self.random.next() & 0xfff);
        let (session, arguments) = (&self.session, json!({"what": what}));
        let asked = async || session.call("ask", arguments.clone()).await;
        is(&self.insist("ask", asked).await?, &format!("{what} {WORD}"))
    }

    async fn slow(&mut self) -> Done {
        let ms = 50 + self.random.below(250);
        let session = &self.session;
        let slept = async || session.call("slow", json!({"ms": ms})).await;
        is(&self.insist("slow", slept).await?, &format!("slept {ms}"))
    }

    async fn touch(&mut self) -> Done {
        if self.listener.is_none() {
            return self.count().await;
        }
        self.notes += 1;
        let number = self.notes;
        let session = Arc::clone(&self.session);
        let uri = json!({"uri": format!("{NOTE}{number}")});
        let subscribed = async || session.ask("resources/subscribe", uri.clone()).await;
        self.insist("subscribe", subscribed).await?;
        let touched = async || session.call("touch", json!({"number": number})).await;
        self.insist("touch", touched).await?;
        self.touched.insert(number);
        Ok(())
    }

    async fn insist<T>(&self, what: &str, attempt: impl AsyncFn() -> Result<T, Lost>) -> Done<T> {
        self.load.insist(&self.steps, what, attempt).await
    }

    /// What the replicas list once something went wrong: whether it is lost, or somebody is late.
    async fn found(&self) -> Vec<(String, Vec<String>)> {
        let mut found = Vec::new();
        for _ in 0..6 {
            let Ok(listed) = self.session.ask("tools/list", json!({})).await else {
                continue;
            };
            let tools = listed.result["tools"].as_array().cloned();
            let says = |tool: Value| tool["description"].as_str().map(str::to_owned);
            let words = tools.into_iter().flatten().filter_map(says);
            let words = words.filter(|said| said.starts_with("Says word"));
            found.push((listed.replica, words.collect()));
        }
        found
    }

    /// What was acknowledged is there.
    pub(crate) async fn check(&self) -> Done {
        let session = &self.session;
        let listed = async || session.ask("tools/list", json!({})).await;
        let listed = self.insist("tools/list", listed).await?.result;
        let mut words = BTreeMap::new();
        for tool in listed["tools"].as_array().into_iter().flatten() {
            let name = tool["name"].as_str().unwrap_or_default();
            let name = name.strip_prefix("say_").and_then(|name| name.parse().ok());
            let word = tool["description"].as_str().unwrap_or_default();
            let word = word.trim_start_matches("Says ").trim_end_matches('.');
            words.extend(name.map(|name: u64| (name, word.to_owned())));
        }
        if words != self.words {
            return Err(format!("{words:?} are listed"));
        }
        let counted = async || session.call("counted", json!({})).await;
        let counted = self.insist("counted", counted).await?;
        let counted = counted.parse().unwrap_or(0);
        if counted < self.certain || counted > self.possible {
            return Err(format!("{counted} were counted"));
        }
        let Some(bag) = &self.bag else {
            return Ok(());
        };
        let looked = async || session.call("look", json!({"bag": bag})).await;
        let looked = self.insist("look", looked).await?;
        let found: BTreeSet<_> = looked.split(' ').map(str::to_owned).collect();
        let lost: Vec<_> = self.items.difference(&found).collect();
        if lost.is_empty() {
            return Ok(());
        }
        Err(format!("{lost:?} were put into the bag and are not there"))
    }

    /// Everything is as it should be at last, and the session ends.
    pub(crate) async fn end(self) -> Done<String> {
        self.check()
            .await
            .map_err(|why| format!("{why}; {self:?}"))?;
        if let Some(listener) = &self.listener {
            // Whether it was told is said, not judged: what was on its way may have died.
            let touched = &self.touched;
            let all =
                |heard: &BTreeMap<u64, usize>| touched.iter().all(|it| heard.contains_key(it));
            listener.hears_soon(|heard| all(&heard.notes)).await;
            let untold = listener.heard(|heard| {
                let told = |note: &&u64| heard.notes.contains_key(note);
                touched.iter().filter(|note| !told(note)).count()
            });
            self.load
                .touched
                .fetch_add(touched.len(), Ordering::Relaxed);
            self.load.untold.fetch_add(untold, Ordering::Relaxed);
            let anew = listener.heard(|heard| heard.anew);
            self.load.anew.fetch_add(anew, Ordering::Relaxed);
            if let Some(wrong) = listener.heard(|heard| heard.wrong.clone()) {
                return Err(format!("the stream: {wrong}"));
            }
        }
        let session = &self.session;
        self.insist("DELETE", async || session.delete().await)
            .await?;
        Ok(session.id.clone())
    }
}

/// What it counts on.
impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("words", &self.words)
            .field("certain", &self.certain)
            .field("possible", &self.possible)
            .field("steps", &*self.steps.0.lock())
            .finish_non_exhaustive()
    }
}

impl Load {
    /// Tries until it is done.
    async fn insist<T>(
        &self,
        steps: &Steps,
        what: &str,
        attempt: impl AsyncFn() -> Result<T, Lost>,
    ) -> Done<T> {
        let began = now();
        loop {
            let attempted = attempt().await;
            let failed = attempted.as_ref().err().map(ToString::to_string);
            steps.note(what, failed.as_deref());
            match attempted {
                Ok(done) => {
                    let waited = began.elapsed().as_millis();
                    let waited = u64::try_from(waited).unwrap_or(u64::MAX);
                    self.longest_ms.fetch_max(waited, Ordering::Relaxed);
                    return Ok(done);
                }
                Err(Lost::Away(why)) if began.elapsed() < PATIENCE => {
                    *self.again.lock().entry(sort(&why)).or_default() += 1;
                    self.pause().await;
                }
                Err(lost) => return Err(format!("{what}: {lost}")),
            }
        }
    }

    /// A while before the next attempt; not the same for all, who would keep step otherwise and
    /// find the same replica again and again.
    async fn pause(&self) {
        let pauses = self.pauses.fetch_add(1, Ordering::Relaxed);
        let ms = 20 + Random::new(pauses).next() % 40;
        tokio::time::sleep(Duration::from_millis(ms)).await;
    }

    async fn until_open(&self, listener: &mut Listener) -> Done {
        let began = now();
        loop {
            match listener.open().await {
                Ok(()) => return Ok(()),
                Err(Lost::Away(_)) if began.elapsed() < PATIENCE => {
                    self.pause().await;
                }
                Err(lost) => return Err(lost.to_string()),
            }
        }
    }
}

/// The beginning of a reason, which many have in common.
fn sort(why: &str) -> String {
    why.chars().take(60).collect()
}

fn is(found: &str, expected: &str) -> Done {
    if found == expected {
        return Ok(());
    }
    Err(format!("it said `{found}`, not `{expected}`"))
}
