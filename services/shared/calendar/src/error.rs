//! Why a calendar is refused.

use jiff::civil::Date;

/// One problem of a calendar; compiling reports all of them. `calendar` is the file to look into.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CalendarError {
    #[error("calendar {calendar} extends {parent}, which is not there")]
    UnknownParent { calendar: String, parent: String },
    #[error("calendar {calendar} extends itself, by way of {through}")]
    Cycle { calendar: String, through: String },
    #[error(
        "calendar {calendar}: no zone, neither its own nor inherited; write for example zone: Asia/Shanghai"
    )]
    NoZone { calendar: String },
    #[error("calendar {calendar}: {zone} is not an IANA time zone")]
    UnknownZone { calendar: String, zone: String },
    #[error("calendar {calendar}, {day}: {first} and {second} overlap")]
    Overlap { calendar: String, day: String, first: String, second: String },
    #[error("calendar {calendar}: {date} has two overrides")]
    DuplicateOverride { calendar: String, date: Date },
    #[error("calendar {calendar}: the override of {from} ends before it begins, on {until}")]
    EmptyRange { calendar: String, from: Date, until: Date },
    #[error("calendar {calendar}: {date} lies outside the years 1970 to 2199")]
    OutsideHorizon { calendar: String, date: Date },
    #[error("calendar {calendar} observes {name}, but no override of its parents has that name")]
    UnknownHoliday { calendar: String, name: String },
    #[error("calendar {calendar} has no parent, so `observes` has nothing to choose from")]
    ObservesNothing { calendar: String },
    #[error("calendar {calendar}: statutory years run from {from} to {to}")]
    StatutoryYears { calendar: String, from: i16, to: i16 },
    #[error("calendar {calendar} has no working time at all in {year}; every deadline would wait for ever")]
    EmptyYear { calendar: String, year: i16 },
    #[error("a calendar needs an id")]
    NoId,
}

impl CalendarError {
    /// The same for Chinese readers.
    #[must_use]
    pub fn zh(&self) -> String {
        match self {
            Self::UnknownParent { calendar, parent } => {
                format!("日历 {calendar} 继承 {parent}，但没有这个日历")
            }
            Self::Cycle { calendar, through } => {
                format!("日历 {calendar} 经由 {through} 继承了自己")
            }
            Self::NoZone { calendar } => {
                format!("日历 {calendar} 没有时区，也没有可继承的时区；写法如 zone: Asia/Shanghai")
            }
            Self::UnknownZone { calendar, zone } => {
                format!("日历 {calendar}：{zone} 不是 IANA 时区")
            }
            Self::Overlap { calendar, day, first, second } => {
                format!("日历 {calendar}，{day}：{first} 与 {second} 重叠")
            }
            Self::DuplicateOverride { calendar, date } => {
                format!("日历 {calendar}：{date} 有两条例外")
            }
            Self::EmptyRange { calendar, from, until } => {
                format!("日历 {calendar}：{from} 起的例外在 {until} 结束，早于开始")
            }
            Self::OutsideHorizon { calendar, date } => {
                format!("日历 {calendar}：{date} 不在 1970 至 2199 年之内")
            }
            Self::UnknownHoliday { calendar, name } => {
                format!("日历 {calendar} 遵守“{name}”，但其上级日历没有这个名称的例外")
            }
            Self::ObservesNothing { calendar } => {
                format!("日历 {calendar} 没有上级，observes 无从选择")
            }
            Self::StatutoryYears { calendar, from, to } => {
                format!("日历 {calendar}：法定节假日年份从 {from} 到 {to}")
            }
            Self::EmptyYear { calendar, year } => {
                format!("日历 {calendar} 在 {year} 年没有任何工作时间；期限将永远等待")
            }
            Self::NoId => "日历必须有 id".to_owned(),
        }
    }
}
