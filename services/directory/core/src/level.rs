//! Levels of the organisation, highest first.

use serde::{Deserialize, Serialize};

/// Where a node stands. A parent always stands higher; levels may be skipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NodeLevel {
    Group,
    Division,
    Area,
    Branch,
    Department,
}

impl NodeLevel {
    pub const ALL: [NodeLevel; 5] =
        [NodeLevel::Group, NodeLevel::Division, NodeLevel::Area, NodeLevel::Branch, NodeLevel::Department];

    /// As in contracts and files.
    pub fn as_str(self) -> &'static str {
        match self {
            NodeLevel::Group => "group",
            NodeLevel::Division => "division",
            NodeLevel::Area => "area",
            NodeLevel::Branch => "branch",
            NodeLevel::Department => "department",
        }
    }

    pub fn zh(self) -> &'static str {
        match self {
            NodeLevel::Group => "集团",
            NodeLevel::Division => "品牌事业部",
            NodeLevel::Area => "大区",
            NodeLevel::Branch => "门店",
            NodeLevel::Department => "部门",
        }
    }

    /// The inverse of [`NodeLevel::as_str`].
    pub fn parse(text: &str) -> Option<NodeLevel> {
        NodeLevel::ALL.into_iter().find(|level| level.as_str() == text)
    }

    /// Whether a node of this level may have one of the other below it.
    pub fn is_above(self, other: NodeLevel) -> bool {
        self < other
    }
}
