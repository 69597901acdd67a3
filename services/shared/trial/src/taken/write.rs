//! A tree as a file again: one word a line, so that a line tells what stands there.

use playbook::yaml::{Node, Yaml};

use super::book::Path;

struct Writer {
    text: String,
    lines: Vec<Path>,
}

/// The text, and the path of each of its lines.
pub(super) fn text(file: usize, root: &Node) -> (String, Vec<Path>) {
    let mut writer = Writer { text: String::new(), lines: Vec::new() };
    writer.node(root, &Path { file, steps: Vec::new() }, "");
    (writer.text, writer.lines)
}

impl Writer {
    fn line(&mut self, words: &str, path: &Path) {
        self.text.push_str(words);
        self.text.push('\n');
        self.lines.push(path.clone());
    }

    /// `after` follows the node: a comma inside a mapping or list.
    fn node(&mut self, node: &Node, path: &Path, after: &str) {
        match &node.value {
            Yaml::Scalar { .. } if node.is_null() => self.line(&format!("~{after}"), path),
            Yaml::Scalar { text, .. } => self.line(&format!("{}{after}", quoted(text)), path),
            Yaml::List(items) => {
                self.line("[", path);
                items.iter().enumerate().for_each(|(at, item)| self.node(item, &path.child(at), ","));
                self.line(&format!("]{after}"), path);
            }
            Yaml::Map(entries) => {
                self.line("{", path);
                for (at, entry) in entries.iter().enumerate() {
                    let path = path.child(at);
                    self.line(&format!("{}:", quoted(&entry.key)), &path);
                    self.node(&entry.node, &path, ",");
                }
                self.line(&format!("}}{after}"), path);
            }
        }
    }
}

/// JSON's quotes are YAML's double quotes.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
