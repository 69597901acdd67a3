//! Who may log in to the NATS server: a password per user, permissions per branch.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::error::{Error, Result};
use crate::nats::NatsUser;
use crate::secret;

/// The stream of the BRANCH account that carries the work; each branch pulls from a consumer named like itself.
const WORK_STREAM: &str = "HOTLINE_WORK";

/// One password per user, new with each start.
#[derive(Clone)]
pub(crate) struct Secrets {
    core: String,
    gateway: String,
    analytics: String,
    analytics_admin: String,
}

impl Secrets {
    pub(crate) fn generate() -> Result<Secrets> {
        Ok(Secrets {
            core: secret::password()?,
            gateway: secret::password()?,
            analytics: secret::password()?,
            analytics_admin: secret::password()?,
        })
    }

    pub(crate) fn of(&self, user: NatsUser) -> (&'static str, &str) {
        match user {
            NatsUser::Core => ("core", &self.core),
            NatsUser::BranchGateway => ("branch-gateway", &self.gateway),
            NatsUser::Analytics => ("analytics", &self.analytics),
            NatsUser::AnalyticsAdmin => ("analytics-admin", &self.analytics_admin),
        }
    }

    /// The variables that nats.conf and branches.conf refer to.
    pub(crate) fn environment(&self) -> [(&'static str, &str); 4] {
        [
            ("HOTLINE_NATS_CORE", &self.core),
            ("HOTLINE_NATS_BRANCH_GATEWAY", &self.gateway),
            ("HOTLINE_NATS_ANALYTICS", &self.analytics),
            ("HOTLINE_NATS_ANALYTICS_ADMIN", &self.analytics_admin),
        ]
    }
}

pub(crate) fn branch_user(branch: &str) -> String {
    format!("branch-{branch}")
}

/// A code becomes part of subjects: nothing in it may be a wildcard or a separator.
pub(crate) fn check_branch(branch: &str) -> Result<()> {
    let fits = |it: char| it.is_ascii_alphanumeric() || it == '-' || it == '_';
    if !branch.is_empty() && branch.len() <= 48 && branch.chars().all(fits) {
        return Ok(());
    }
    Err(Error::BadName { name: branch.to_owned() })
}

/// branches.conf for these branches and their passwords.
pub(crate) fn render(branches: &BTreeMap<String, String>) -> String {
    let mut text =
        String::from("users: [\n    { user: branch-gateway, password: $HOTLINE_NATS_BRANCH_GATEWAY }\n");
    for (branch, password) in branches {
        let user = branch_user(branch);
        write!(
            text,
            r#"    {{
        user: "{user}", password: "{password}"
        permissions: {{
            publish: {{ allow: [
                "$JS.API.CONSUMER.INFO.{WORK_STREAM}.{branch}"
                "$JS.API.CONSUMER.MSG.NEXT.{WORK_STREAM}.{branch}"
                "$JS.ACK.{WORK_STREAM}.{branch}.>"
                "hotline.report.{branch}"
            ] }}
            subscribe: {{ allow: ["_INBOX_{branch}.>"] }}
        }}
    }}
"#
        )
        .expect("writing into a string does not fail");
    }
    text.push_str("]\n");
    text
}
