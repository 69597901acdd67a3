//! The step graph as a diagram that Markdown viewers draw (Mermaid).

use std::fmt::Write as _;

use super::Page;
use crate::case::CaseType;

impl Page<'_> {
    pub fn diagram(&mut self, case_type: &CaseType) {
        let lang = self.lang;
        let mut out = String::from("```mermaid\nflowchart TD\n");
        for step in &case_type.steps {
            let label = step.name.get(lang).replace('"', "'");
            // What applies only sometimes has a slanted box, what is approved a diamond's corners.
            let (open, close) = match (&step.approval, &step.when) {
                (Some(_), _) => ("{{", "}}"),
                (None, Some(_)) => ("[/", "/]"),
                (None, None) => ("[", "]"),
            };
            let _ = writeln!(out, "  {}{open}\"{label}\"{close}", step.id);
        }
        for step in &case_type.steps {
            for need in &step.needs {
                let _ = writeln!(out, "  {need} --> {}", step.id);
            }
            for lead in &step.leads {
                let _ = writeln!(
                    out,
                    "  {} -. \"{}\" .-> {}",
                    step.id,
                    self.condition(&lead.when).replace('"', "'"),
                    lead.to
                );
            }
            if let Some(approval) = &step.approval {
                let refused = self.say("不批", "refused");
                let _ = writeln!(out, "  {} -. {refused} .-> {}", step.id, approval.refused_to);
            }
        }
        out.push_str("```");
        self.line(out);
    }
}
