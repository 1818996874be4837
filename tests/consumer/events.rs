//! What a program is told.

use std::sync::{Arc, Mutex};

use marconi_redis::{Delivery, Event};

use crate::stage::{Log, named, post, queue, soon};

#[tokio::test]
async fn an_observer_that_panics_costs_no_message() {
    let queue = queue().await;
    post(&queue, 3).await;
    let events = Log::default();
    let seen = events.clone();
    let consumer = queue.consumer().on_event(move |event: &Event| {
        seen.push(format!("{event:?}"));
        panic!("a counter that breaks");
    });
    let (done, enough) = tokio::sync::oneshot::channel::<()>();
    let run = tokio::spawn(
        consumer
            .until(enough)
            .run(|_| async { Ok::<_, String>(()) }),
    );
    events.wait(3, named("Handled")).await;
    done.send(()).unwrap();
    assert_eq!(soon("the end", run).await.unwrap().unwrap().handled, 3);
}

#[tokio::test]
async fn an_event_is_a_line_for_a_log_and_has_no_body() {
    let queue = queue().await;
    let id = queue.post("umbrella").await.unwrap()[0];
    queue.post("umbrella stand").await.unwrap();
    let lines = Log::default();
    let (seen, all) = (lines.clone(), Arc::new(Mutex::new(String::new())));
    let whole = all.clone();
    let consumer = queue.consumer().on_event(move |event: &Event| {
        seen.push(event.to_string());
        whole
            .lock()
            .unwrap()
            .push_str(&format!("{event} {event:?}"));
    });
    let (done, enough) = tokio::sync::oneshot::channel::<()>();
    let run = consumer.until(enough).run(|delivery: Delivery| async move {
        let body: String = delivery.body().unwrap();
        if body == "umbrella" {
            Err("sold out")
        } else {
            Ok(())
        }
    });
    let run = tokio::spawn(run);
    let failed = format!("message {id} failed at claim 1, again in ");
    lines
        .wait(1, |line| {
            line.starts_with(&failed) && line.ends_with(": sold out")
        })
        .await;
    lines.wait(1, |line| line.contains(" handled in ")).await;
    done.send(()).unwrap();
    soon("the end", run).await.unwrap().unwrap();
    assert!(!all.lock().unwrap().contains("umbrella"));
}
