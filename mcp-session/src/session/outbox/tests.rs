//! Proves what an outbox keeps, coalesces, drops and replays.

use super::*;
use crate::protocol::ProgressToken;

fn outbox(replay: Option<Replay>) -> Arc<Outbox> {
    Outbox::new(OutboxLimits {
        notices: 2,
        notice_bytes: 1_000,
        window: WINDOW,
        replay,
    })
}

fn frame(text: &'static str) -> Frame {
    Frame::One(bytes::Bytes::from_static(text.as_bytes()))
}

fn read(reader: &mut Reader) -> Vec<String> {
    std::iter::from_fn(|| reader.try_next())
        .map(|event| event.frame.map_or_else(String::new, text))
        .collect()
}

fn text(frame: Frame) -> String {
    String::from_utf8(frame.into_bytes().to_vec()).unwrap()
}

const WINDOW: Duration = Duration::from_millis(100);

const REPLAY: Replay = Replay {
    events: 3,
    bytes: 1_000,
    age: Duration::from_secs(60),
    stall: STALL,
};

const STALL: Duration = Duration::from_secs(5);

#[tokio::test(start_paused = true)]
async fn responses_are_never_dropped_and_notices_are() {
    let outbox = outbox(None);
    for _ in 0..5 {
        outbox.push(Kind::Notice, frame("log"));
        outbox.push(Kind::Response(None), frame("answer"));
    }
    let said = read(&mut outbox.reader());
    assert_eq!(said.iter().filter(|text| *text == "answer").count(), 5);
    assert_eq!(said.iter().filter(|text| *text == "log").count(), 2);
}

#[tokio::test(start_paused = true)]
async fn keyed_notices_coalesce_while_unread_only() {
    let outbox = outbox(None);
    let mut reader = outbox.reader();
    for text in ["a", "b"] {
        outbox.push(Kind::Keyed(About::Tools.into()), frame(text));
    }
    outbox.push(Kind::Keyed(About::Prompts.into()), frame("p"));
    assert_eq!(read(&mut reader), ["b", "p"]);
    clock::sleep(WINDOW).await;
    outbox.push(Kind::Keyed(About::Tools.into()), frame("c"));
    assert_eq!(read(&mut reader), ["c"]);
}

#[tokio::test(start_paused = true)]
async fn a_list_is_announced_at_once_and_then_once_in_a_window() {
    let outbox = outbox(None);
    let mut reader = outbox.reader();
    let began = clock::now();
    for text in ["first", "second", "third", "last"] {
        outbox.push(Kind::Keyed(About::Tools.into()), frame(text));
        if text == "first" {
            assert_eq!(read(&mut reader), ["first"]);
        }
    }
    outbox.push(Kind::Response(None), frame("answer"));
    assert_eq!(read(&mut reader), ["answer"], "what waits delays nothing");
    assert_eq!(text(reader.next().await.unwrap().frame.unwrap()), "last");
    assert_eq!(clock::now() - began, WINDOW);
    outbox.push(Kind::Keyed(About::Tools.into()), frame("again"));
    assert_eq!(read(&mut reader), [""; 0], "the next window has begun");
    outbox.end();
    assert_eq!(read(&mut reader), ["again"], "nothing is lost at the end");
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_its_window_is_there_for_whoever_comes_back() {
    let outbox = outbox(Some(REPLAY));
    let mut reader = outbox.reader();
    for text in ["first", "last"] {
        outbox.push(Kind::Keyed(About::Tools.into()), frame(text));
        read(&mut reader);
    }
    drop(reader);
    clock::sleep(WINDOW * 9).await;
    assert_eq!(read(&mut outbox.reader()), ["last"]);
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_a_subscription_goes_with_it() {
    let outbox = outbox(None);
    let mut reader = outbox.reader();
    let key = |id| NoticeKey {
        about: About::Tools,
        subscription: Some(RequestId::Number(id)),
    };
    for text in ["first", "last"] {
        outbox.push(Kind::Keyed(key(1)), frame(text));
        outbox.push(Kind::Keyed(key(2)), frame(text));
        read(&mut reader);
    }
    outbox.forget(&RequestId::Number(1));
    outbox.release();
    assert_eq!(read(&mut reader), ["last"]);
}

#[tokio::test(start_paused = true)]
async fn a_reader_resumes_after_what_it_saw_until_that_is_gone() {
    let outbox = outbox(Some(REPLAY));
    let mut reader = outbox.reader();
    for text in ["0", "1", "2", "3"] {
        outbox.push(Kind::Response(None), frame(text));
    }
    assert_eq!(read(&mut reader), ["0", "1", "2", "3"]);
    // Three are kept: 1, 2 and 3.
    assert!(outbox.reader_after(5).is_none(), "an event that never was");
    assert_eq!(read(&mut outbox.reader_after(1).unwrap()), ["1", "2", "3"]);
    assert_eq!(read(&mut outbox.reader_after(3).unwrap()), ["3"]);
    clock::sleep(REPLAY.age * 2).await;
    outbox.push(Kind::Response(None), frame("4"));
    assert_eq!(read(&mut outbox.reader()), ["4"]);
    assert!(outbox.reader_after(2).is_none(), "too old");
}

#[tokio::test(start_paused = true)]
async fn the_newest_reader_reads_and_the_one_before_takes_over_again() {
    let outbox = outbox(None);
    let mut old = outbox.reader();
    let mut new = outbox.reader();
    outbox.push(Kind::Response(None), frame("1"));
    assert_eq!(read(&mut old), [""; 0]);
    assert_eq!(read(&mut new), ["1"]);
    drop(new);
    outbox.push(Kind::Response(None), frame("2"));
    assert_eq!(text(old.next().await.unwrap().frame.unwrap()), "2");
    outbox.end();
    assert!(old.next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn what_nobody_has_read_is_kept_however_old() {
    let outbox = outbox(Some(REPLAY));
    for text in ["0", "1", "2", "3", "4"] {
        outbox.push(Kind::Response(None), frame(text));
    }
    clock::sleep(REPLAY.age * 2).await;
    outbox.end();
    assert!(!outbox.is_spent());
    assert_eq!(read(&mut outbox.reader()), ["0", "1", "2", "3", "4"]);
    assert!(outbox.is_spent());
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_was_let_go_ends_after_what_was_queued_then() {
    let outbox = outbox(Some(REPLAY));
    let mut reader = outbox.reader();
    outbox.push(Kind::Response(None), frame("0"));
    outbox.let_go();
    outbox.push(Kind::Response(None), frame("1"));
    assert_eq!(text(reader.next().await.unwrap().frame.unwrap()), "0");
    assert!(reader.next().await.is_none());
    assert!(outbox.alone_since().is_none());
    drop(reader);
    assert_eq!(outbox.alone_since(), Some(clock::now()));
    let mut back = outbox.reader_after(1).unwrap();
    assert_eq!(text(back.next().await.unwrap().frame.unwrap()), "1");
    assert!(outbox.alone_since().is_none());
}

#[tokio::test(start_paused = true)]
async fn nobody_is_let_go_who_could_not_come_back() {
    let outbox = outbox(None);
    let mut reader = outbox.reader();
    outbox.let_go();
    outbox.push(Kind::Response(None), frame("0"));
    assert_eq!(read(&mut reader), ["0"]);
}

#[tokio::test(start_paused = true)]
async fn what_a_reader_left_behind_is_given_up_when_nobody_comes_back() {
    let outbox = outbox(Some(REPLAY));
    drop(outbox.reader());
    outbox.push(Kind::Response(None), frame("0"));
    outbox.end();
    clock::sleep(REPLAY.age).await;
    assert!(!outbox.is_spent());
    clock::sleep(REPLAY.age).await;
    assert!(outbox.is_spent());
}

#[tokio::test(start_paused = true)]
async fn bytes_are_counted_right_when_a_notice_replaces_another() {
    let outbox = outbox(Some(REPLAY));
    let mut reader = outbox.reader();
    for text in ["a", "much longer", "b", "much longer again"] {
        outbox.push(Kind::Keyed(About::Tools.into()), frame(text));
    }
    outbox.end();
    assert_eq!(read(&mut reader), ["much longer again"]);
    drop(reader);
    clock::sleep(REPLAY.age * 2).await;
    assert!(outbox.is_spent());
}

#[tokio::test(start_paused = true)]
async fn resuming_at_an_older_place_forgets_nothing_that_was_read() {
    let outbox = outbox(Some(REPLAY));
    let mut reader = outbox.reader();
    for text in ["0", "1", "2"] {
        outbox.push(Kind::Response(None), frame(text));
    }
    assert_eq!(read(&mut reader).len(), 3);
    drop(outbox.reader_after(1).unwrap());
    assert_eq!(read(&mut outbox.reader_after(2).unwrap()), ["2"]);
}

/// Says so much that a queue is full, and one thing more.
fn storm(outbox: &Outbox) {
    for text in ["log 0", "log 1", "log 2"] {
        outbox.push(Kind::Notice, frame(text));
    }
}

#[tokio::test(start_paused = true)]
async fn who_takes_nothing_from_a_full_queue_is_left_behind_and_comes_back_for_what_it_holds() {
    let outbox = outbox(Some(REPLAY));
    let mut reader = outbox.reader();
    for text in ["0", "1", "2"] {
        outbox.push(Kind::Response(None), frame(text));
    }
    assert_eq!(read(&mut reader), ["0", "1", "2"]);
    let gone = outbox.gone();
    clock::sleep(STALL * 9).await;
    storm(&outbox);
    assert!(outbox.is_connected(), "it had nothing to take until now");
    clock::sleep(STALL).await;
    outbox.push(Kind::Notice, frame("log 3"));
    assert!(!outbox.is_connected() && gone.is_cancelled());
    assert_eq!(outbox.alone_since(), Some(clock::now()));
    assert!(reader.next().await.is_none(), "its stream has ended");
    outbox.push(Kind::Response(None), frame("answer"));
    outbox.end();
    assert!(outbox.is_sound());
    // It had seen one of the three that were sent before it stalled.
    let mut back = outbox.reader_after(1).unwrap();
    let rest = ["1", "2", "log 0", "log 1", "answer"];
    assert_eq!(read(&mut back), rest, "what did not fit is lost");
}

#[tokio::test(start_paused = true)]
async fn a_burst_leaves_nobody_behind_who_reads() {
    let outbox = outbox(Some(REPLAY));
    let mut reader = outbox.reader();
    for _ in 0..3 {
        clock::sleep(STALL * 9).await;
        storm(&outbox);
        assert_eq!(read(&mut reader), ["log 0", "log 1"]);
    }
    storm(&outbox);
    clock::sleep(STALL / 2).await;
    assert_eq!(text(reader.try_next().unwrap().frame.unwrap()), "log 0");
    clock::sleep(STALL / 2).await;
    storm(&outbox);
    assert_eq!(read(&mut reader), ["log 1", "log 0"], "slow, but it reads");
}

#[tokio::test(start_paused = true)]
async fn nobody_is_left_behind_who_could_not_come_back() {
    let outbox = outbox(None);
    let mut reader = outbox.reader();
    storm(&outbox);
    clock::sleep(STALL * 9).await;
    storm(&outbox);
    assert_eq!(read(&mut reader), ["log 0", "log 1"]);
    assert!(outbox.is_connected());
}

#[tokio::test(start_paused = true)]
async fn who_read_before_takes_over_from_who_is_left_behind() {
    let outbox = outbox(Some(REPLAY));
    let (mut before, mut stalled) = (outbox.reader(), outbox.reader());
    storm(&outbox);
    clock::sleep(STALL).await;
    storm(&outbox);
    assert!(stalled.next().await.is_none());
    assert_eq!(read(&mut before), ["log 0", "log 1"]);
    drop((stalled, before));
    assert!(!outbox.is_connected());
}

#[tokio::test(start_paused = true)]
async fn notices_are_bounded_by_their_bytes_too() {
    let outbox = outbox(None);
    let large = || Frame::One(vec![b'x'; 1_000].into());
    let mut reader = outbox.reader();
    for _ in 0..3 {
        outbox.push(Kind::Notice, large());
        outbox.push(Kind::Notice, frame("log"));
        assert_eq!(outbox.held(), (1, 1_000), "it fits; what follows does not");
        assert_eq!(read(&mut reader).len(), 1);
    }
    let progress = || Kind::Keyed(About::Progress(ProgressToken::from(1_i64)).into());
    for text in ["1", "22", "333"] {
        outbox.push(Kind::Notice, large());
        outbox.push(progress(), frame(text));
        assert!(outbox.is_sound());
    }
    assert_eq!(read(&mut reader).last().unwrap(), "333");
    assert_eq!(outbox.held(), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn what_is_unread_takes_no_room_from_what_is_kept() {
    let outbox = outbox(Some(REPLAY));
    let mut reader = outbox.reader();
    let say = |text| outbox.push(Kind::Response(None), frame(text));
    ["0", "1", "2", "3"].into_iter().for_each(say);
    read(&mut reader);
    ["4", "5", "6", "7"].into_iter().for_each(say);
    drop(reader);
    assert!(outbox.reader_after(0).is_none(), "three are kept");
    let all = ["1", "2", "3", "4", "5", "6", "7"];
    assert_eq!(read(&mut outbox.reader_after(1).unwrap()), all);
}
