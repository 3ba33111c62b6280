//! Where each step of the model is in the code.

/// Steps, each with a file and what stands there.
pub const CODE: &[(&str, &str, &str)] = &[
    ("Gather", "src/pulse/consumer.rs", "fn gather("),
    ("Decide", "src/ingest/mod.rs", "async fn look_up("),
    ("Decide", "src/plan/mod.rs", "Plan::NotePush { repository, upto }"),
    ("Note", "src/store/ingest.rs", "repository.announced_push < wish.upto and repository.last_push < wish.upto"),
    ("Note", "src/store/ingest.rs", "set wishes = wishes + 1"),
    ("Acknowledge", "src/pulse/consumer.rs", "if !insist(Arrival::Messages(&messages), stop, &take).await {"),
    ("Claim", "src/store/work.rs", "where r.due_at <= $4 and r.lease_until <= $4 and r.archived = 0"),
    ("ReadPushlog", "src/sync/bringer.rs", "async fn news("),
    ("RecordStretch", "src/sync/recorder.rs", "let with_pushes = next.is_none() && pushes.len() <= BATCH_PUSHES;"),
    ("RecordPushes", "src/store/recording.rs", "set last_push = $1 where id = $2 and generation = $3 and last_push < $1"),
    ("RecordPushes", "src/store/recording.rs", "on conflict do nothing"),
    ("End", "src/store/work.rs", "due_at = case when announced_push > last_push or wishes > $2 then $1 else null end"),
    ("End", "src/store/work.rs", "where id = $3 and lease_holder = $4"),
    ("End", "src/sync/bringer.rs", "if at.announced > at.last_push {"),
    ("Renew", "src/store/work.rs", "set lease_until = $1 where id = $2 and lease_holder = $3"),
];
