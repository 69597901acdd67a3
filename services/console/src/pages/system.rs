//! How the system is: what could not be decided, how far each reader has come, whether verdicts are late, how time runs.

use std::{collections::BTreeMap, sync::Arc};

use askama::Template;
use axum::{Router, extract::Query, routing::get};
use organisation::TimeMode;
use proto::reporting::v1::GetLagRequest;

use crate::{
    frame::Frame,
    pages::{
        Shown,
        quarantine::{self, Input},
        readers::{self, Reader, Unjudged},
        render,
    },
    server::Console,
    trouble::Trouble,
    visitor::Visitor,
};

pub fn routes() -> Router<Arc<Console>> {
    Router::new().route("/system", get(page)).route("/system/list", get(list))
}

struct Source {
    service: String,
    shards: usize,
    entries: u64,
    behind: u64,
    silent: usize,
}

#[derive(Template)]
#[template(path = "system.html")]
struct Page {
    f: Frame,
    list: List,
    said: String,
    time: String,
    directory_seq: u64,
}

#[derive(Template)]
#[template(path = "system_list.html")]
struct List {
    f: Frame,
    sources: Vec<Source>,
    readers: Vec<Reader>,
    unjudged: Unjudged,
    /// `None`: for administrators only.
    aside: Option<Vec<Input>>,
    silent: Vec<&'static str>,
}

async fn lags(visitor: &Visitor) -> Result<List, Trouble> {
    let ask = visitor.ask()?;
    let mut reporting = ask.reporting();
    let (lags, readers, unjudged, aside) = tokio::join!(
        reporting.get_lag(GetLagRequest {}),
        readers::readers(&visitor.console.peers),
        readers::unjudged(visitor),
        quarantine::listed(visitor),
    );
    let (lags, (aside, silent)) = (lags?.into_inner().lags, aside?);
    let mut sources: BTreeMap<String, Source> = BTreeMap::new();
    for lag in lags {
        let source = sources.entry(lag.service.clone()).or_insert(Source {
            service: lag.service,
            shards: 0,
            entries: 0,
            behind: 0,
            silent: 0,
        });
        source.shards += 1;
        source.entries += lag.head_seq;
        source.behind += lag.head_seq.saturating_sub(lag.read_seq);
        source.silent += usize::from(lag.head_seq == 0 && lag.read_seq > 0);
    }
    Ok(List {
        f: visitor.frame("/system", visitor.say("运行状况", "Health")),
        sources: sources.into_values().collect(),
        readers,
        unjudged: unjudged?,
        aside,
        silent,
    })
}

async fn list(visitor: Visitor) -> Shown {
    render(&lags(&visitor).await?)
}

async fn page(visitor: Visitor, Query(after): quarantine::Said) -> Shown {
    let list = lags(&visitor).await?;
    let time = match visitor.known.snapshot.law().mode {
        TimeMode::Real => visitor.say("实际时间", "real time").to_owned(),
        TimeMode::Manual => visitor.say("手动（演示）", "by hand (demonstration)").to_owned(),
        TimeMode::Accelerated { factor_milli } => {
            format!(
                "× {} {}",
                factor_milli / 1000,
                visitor.say("（演示加速）", "(accelerated, demonstration)")
            )
        }
    };
    let page = Page {
        f: visitor.frame("/system", visitor.say("运行状况", "Health")),
        directory_seq: visitor.known.snapshot.seq(),
        said: after.words(visitor.tongue),
        list,
        time,
    };
    render(&page)
}
