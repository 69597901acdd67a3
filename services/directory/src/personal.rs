//! Filters that a person keeps: their names are his words, so they are sealed.

use chassis::Handle;
use chassis_core::Refusal;
use directory_core::{Directory, KeepFilter, Settings};
use proto::directory::v1::Filter;

/// The longest name.
const LONGEST_NAME: usize = 40;

pub async fn filters(handle: &Handle<Directory>, person: &str) -> Result<Vec<Filter>, Refusal> {
    let settings = handle.load::<Settings>(Settings::key(person)).await?.unwrap_or_default();
    let mut filters = Vec::with_capacity(settings.filters.len());
    for kept in settings.filters.into_values() {
        let name = handle.vault().open_unrecorded(&kept.name).await?;
        filters.push(Filter { name, query: kept.query });
    }
    filters.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(filters)
}

pub async fn keep(handle: &Handle<Directory>, person: String, filter: Filter) -> Result<KeepFilter, Refusal> {
    let name = filter.name.trim();
    if name.is_empty() || name.chars().count() > LONGEST_NAME || name.chars().any(char::is_control) {
        return Err(Refusal::field(
            "name",
            format!("名称须为 1 到 {LONGEST_NAME} 个字符。"),
            format!("a name has 1 to {LONGEST_NAME} characters"),
        ));
    }
    let owner = Settings::key(&person);
    let token = handle.vault().token(&format!("filter {owner}"), name);
    Ok(KeepFilter { token, name: handle.vault().seal(owner, name).await?, query: filter.query, person })
}
