//! The guide to playbooks keeps its word: its blocks are put together as it says, its commands are run, and print what it
//! shows.

use std::{
    fs::OpenOptions,
    io::Write as _,
    path::{Path, PathBuf},
    process::Command,
};

const GUIDE: &str = include_str!("../../../deploy/playbooks/README.md");

/// Fenced blocks with their language, in order.
fn blocks(text: &str) -> Vec<(&str, &str)> {
    let parts = text.split("```").collect::<Vec<_>>();
    parts.iter().skip(1).step_by(2).filter_map(|block| block.split_once('\n')).collect()
}

fn playbooks() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/playbooks")
}

/// What a command prints, on both channels.
fn run(command: &str, folder: &Path) -> String {
    let program = Path::new(env!("CARGO_BIN_EXE_hotline")).parent().expect("a folder").to_owned();
    let path = std::env::var("PATH").unwrap_or_default();
    let output = Command::new("sh")
        .args(["-c", &format!("{command} 2>&1")])
        .current_dir(folder)
        .env("PATH", format!("{}:{path}", program.display()))
        .output()
        .expect("there is a shell");
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn every_example_of_the_guide_works_as_shown() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut files, mut commands) = (0, 0);
    for (language, block) in blocks(GUIDE) {
        match language {
            "yaml" => {
                let (name, text) = block.split_once('\n').expect("the first line names the file");
                let name = name.strip_prefix("# ").expect("as a comment");
                let file = OpenOptions::new().create(true).append(true).open(folder.path().join(name));
                file.expect("the folder is ours").write_all(text.as_bytes()).expect("written");
                files += 1;
            }
            "console" => {
                let mut printed = String::new();
                for command in block.lines().filter_map(|line| line.strip_prefix("$ ")) {
                    printed.push_str(&format!("$ {command}\n{}", run(command, folder.path())));
                    commands += 1;
                }
                assert_eq!(printed, block);
            }
            _ => {}
        }
    }
    assert!(files >= 8 && commands >= 6, "{files} {commands}");
    let typed = std::fs::read_to_string(folder.path().join("playbook.yaml")).expect("typed along");
    let finished =
        std::fs::read_to_string(playbooks().join("bicycle-shop/playbook.yaml")).expect("it is there");
    assert_eq!(typed, finished, "the finished file is what the guide builds");
}

#[test]
fn the_rule_books_that_come_along_keep_their_scenarios() {
    let folders = std::fs::read_dir(playbooks()).expect("there are rule books").flatten();
    let packs: Vec<String> = folders
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    assert!(packs.len() >= 13, "{packs:?}");
    for pack in packs {
        let printed =
            run(&format!("hotline playbook check {pack}; hotline playbook test {pack}"), &playbooks());
        assert!(printed.contains("errors: 0, warnings: 0"), "{pack}: {printed}");
        assert!(printed.ends_with("failed: 0\n"), "{pack}: {printed}");
    }
}

#[test]
fn a_scenario_that_does_not_come_true_fails_and_says_why() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = "
scenario: an owner who is told what he is not
given: { type: repair, form: { customer_name: X, category: wheel } }
when:
  - { after: 10m, do: acknowledge }
  - { after: 10m, do: acknowledge }
  - { after: 10m, do: approve, refused: own-request }
  - { do: done, step: estimate, form: { price: dear } }
then:
  - { case: closed, severity: high }
  - { clock: hand_off, is: breached }
  - { told: ownr }
  - { event: work.begun }
";
    std::fs::write(folder.path().join("wrong.test.yaml"), text).expect("written");
    let book = playbooks().join("bicycle-shop/playbook.yaml");
    let printed =
        run(&format!("hotline playbook test {} wrong.test.yaml; echo $?", book.display()), folder.path());
    for wanted in [
        "FAILED  an owner who is told what he is not",
        "deed 2, Acknowledge, was refused (acknowledged)",
        "deed 3, Approve, was refused (no-approval)",
        "deed 4, Done, was refused",
        "case: expected closed, found open",
        "severity: expected high, found low",
        "clock hand_off: expected breached, found met",
        "there is no role or person `ownr`",
        "there is no event `work.begun`",
    ] {
        assert!(printed.contains(wanted), "{wanted}: {printed}");
    }
    assert!(printed.ends_with("failed: 1\n1\n"), "{printed}");
}

#[test]
fn rules_that_could_go_unnoticed_are_not_shown() {
    let folder = tempfile::tempdir().expect("a folder");
    let book = std::fs::read_to_string(playbooks().join("bicycle-shop/playbook.yaml")).expect("it is there");
    let book = book
        .replace("category: brake }, then: high }", "category: brake }, then: high, rules: [BS-01] }")
        .replace("    limit: 30m\n", "    limit: 30m\n    rules: [BS-02]\n")
        .replace("    channel: sms\n", "    channel: sms\n    rules: [BS-02, BS-03]\n");
    let scenario = "
scenario: a broken brake is grave
covers: [BS-01, BS-03]
given: { type: repair, form: { customer_name: X, category: brake } }
then: [{ case: open, severity: high }]
---
scenario: nobody takes over
covers: [BS-02]
given: { type: repair, form: { customer_name: X, category: brake } }
until: 1 working day
then: [{ clock: hand_off, is: breached, due: '2026-03-02 10:30' }]
";
    let catalogue = "| BS-01 |\n| BS-02 |\n| BS-03 |\n| BS-04 |\n";
    for (name, text) in [("shop.yaml", book.as_str()), ("shop.test.yaml", scenario), ("rules.md", catalogue)]
    {
        std::fs::write(folder.path().join(name), text).expect("written");
    }
    let command = "hotline playbook rules rules.md shop.yaml --mutate --min";
    let printed = run(&format!("{command} 50; echo $?; {command} 51; echo $?"), folder.path());
    for wanted in [
        "BS-01  1        1        yes",
        "BS-02  3        2        yes    shop.yaml:",
        " tells/new_work",
        "BS-03  1        0        NO     shop.yaml:",
        "rules whose absence is noticed: 2 (50 %), in every clause: 1",
        "fewer than demanded: 51 %",
    ] {
        assert!(printed.contains(wanted), "{wanted}: {printed}");
    }
    assert!(printed.contains("not holding: 0\n0\n") && printed.ends_with("not holding: 0\n1\n"), "{printed}");
}

#[test]
fn what_is_no_rule_book_is_left_out_with_a_note() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("rules.md"), "| A-1 | CLOCK |\n").expect("written");
    let catalogue = folder.path().join("rules.md");
    let command = format!("hotline playbook rules {} README.md bicycle-shop", catalogue.display());
    let printed = run(&command, &playbooks());
    assert!(printed.starts_with("README.md: no rule book, left out\n"), "{printed}");
    assert!(printed.contains("rules: 1, carried by a rule book: 0"), "{printed}");
}

#[test]
fn a_closed_pipe_ends_it_quietly() {
    let command = "hotline playbook test dealer-group --timeline | head -n 1";
    let printed = run(&format!("({command})"), &playbooks());
    assert_eq!(printed.lines().count(), 1, "{printed}");
}
