//! Where the source of the program advises a command: in a text that names one, by a function that makes one, or by a remedy.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// All commands of the program, and those that are planned.
pub(crate) const COMMANDS: [&str; 14] = [
    "plan",
    "send",
    "status",
    "results",
    "resolve",
    "cancel",
    "verify",
    "test",
    "balance",
    "sandbox",
    "campaigns",
    "guide",
    "receipts",
    "report",
];

/// The functions that return a command to be typed, and the remedies that are commands.
const MAKERS: [&str; 8] = [
    "make_pending",
    "make_pending_by_sms_row",
    "resolve_all",
    "with_send_command",
    "send_command_for",
    "how_to_send",
    "settle_first",
    "shell_line",
];
const REMEDIES: [&str; 3] = ["ListNotSent", "ShowStatus", "Verify"];

/// How often each function and constant of the source advises a command: `cli/next.rs steps`.
pub(crate) fn advising() -> BTreeMap<String, usize> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = BTreeMap::new();
    search_folder(&root, &root, &mut found);
    found
}

fn search_folder(root: &Path, folder: &Path, found: &mut BTreeMap<String, usize>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.strip_prefix(root).unwrap().display().to_string();
        if name.ends_with("tests") || name.ends_with("tests.rs") {
            continue;
        }
        if path.is_dir() {
            search_folder(root, &path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let tokens = fs::read_to_string(&path).unwrap().parse().unwrap();
            let mut item = String::new();
            search(tokens, &name, &mut item, found);
        }
    }
}

/// Searches these tokens, which begin in the function or constant `item`. Attributes are no messages, and tests no part of the program.
fn search(tokens: TokenStream, file: &str, item: &mut String, found: &mut BTreeMap<String, usize>) {
    let mut last = [const { String::new() }; 3];
    let mut is_test = false;
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        let text = token.to_string();
        let mut advised = 0;
        match token {
            TokenTree::Group(group) => {
                let is_attribute = last[2] == "#" || last[1..] == ["#", "!"];
                if is_attribute && group.delimiter() == Delimiter::Bracket {
                    is_test |= text.starts_with("[cfg") && text.contains("test");
                } else if !is_test {
                    search(group.stream(), file, item, found);
                }
                if group.delimiter() == Delimiter::Brace {
                    is_test = false;
                }
            }
            TokenTree::Punct(_) if text == ";" => is_test = false,
            TokenTree::Ident(_) if ["fn", "const"].contains(&&*last[2]) => item.clone_from(&text),
            TokenTree::Ident(_) => {
                let is_call = matches!(tokens.peek(), Some(TokenTree::Group(group))
                    if group.delimiter() == Delimiter::Parenthesis);
                let is_remedy = last == ["Remedy", ":", ":"] && file != "cli/remedy.rs";
                advised += usize::from(is_call && MAKERS.contains(&&*text));
                advised += usize::from(is_remedy && REMEDIES.contains(&&*text));
            }
            TokenTree::Literal(_) => advised += commands_in(&text),
            TokenTree::Punct(_) => {}
        }
        if advised > 0 && !is_test {
            *found.entry(format!("{file} {item}")).or_default() += advised;
        }
        last.rotate_left(1);
        last[2] = text;
    }
}

fn commands_in(text: &str) -> usize {
    let names = text.split("isms-campaign ").skip(1);
    let word = |after: &str| {
        let end = after.find(|c: char| !c.is_ascii_lowercase());
        after[..end.unwrap_or(after.len())].to_owned()
    };
    names
        .filter(|after| COMMANDS.contains(&&*word(after)))
        .count()
}
