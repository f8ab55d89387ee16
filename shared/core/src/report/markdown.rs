//! The report as Markdown, of the kind that GitHub and most wikis show.

use std::fmt::Write;

use super::page::{Block, Cell, Page, Table};

/// The document.
pub fn render(page: &Page) -> String {
    // Writing to a String can't fail.
    let mut text = format!("# {}\n\n", escape(&page.title));
    for (name, value) in &page.facts {
        let _ = writeln!(text, "- **{}:** {}", escape(name), cell(value));
    }
    for section in &page.sections {
        let _ = write!(text, "\n## {}\n", escape(section.heading));
        for one in &section.blocks {
            text.push('\n');
            block(&mut text, one);
        }
    }
    text
}

/// Text that shows as it is: what Markdown or HTML would make something of is escaped, nobody is
/// mentioned, and an address does not become a link by itself.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '@' => escaped.push_str("&#64;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '#' | '|' | '~' => {
                escaped.push('\\');
                escaped.push(c);
            }
            c => escaped.push(c),
        }
    }
    // Case does not matter to those that make links of these.
    let plain = escaped.replace("://", "&#58;//");
    if plain.to_ascii_lowercase().contains("www.") {
        plain.replace('.', "&#46;")
    } else {
        plain
    }
}

/// Between more backticks than are in it.
fn code(text: &str) -> String {
    let mut longest = 0;
    let mut run = 0;
    for c in text.chars() {
        run = if c == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    let fence = "`".repeat(longest + 1);
    let pad = if text.starts_with('`') || text.ends_with('`') {
        " "
    } else {
        ""
    };
    format!("{fence}{pad}{text}{pad}{fence}")
}

fn cell(cell: &Cell) -> String {
    match cell {
        Cell::Text(text) => escape(text),
        Cell::Code(text) => code(text),
        // Between angle brackets an address ends at the first of these.
        Cell::Link(address) if address.contains(['<', '>']) => code(address),
        Cell::Link(address) => format!("<{address}>"),
    }
}

fn block(text: &mut String, block: &Block) {
    let _ = match block {
        Block::Text(one) => writeln!(text, "{}", escape(one)),
        Block::List(items) => {
            let items: String = items.iter().map(|item| format!("- {}\n", escape(item))).collect();
            write!(text, "{items}")
        }
        Block::Table(one) => write!(text, "{}", table(one)),
        Block::ToFillIn(items) => {
            let row =
                |(name, hint): &(&str, &str)| format!("- [ ] **{}:** _{}_\n", escape(name), escape(hint));
            let rows: String = items.iter().map(row).collect();
            write!(text, "### To fill in\n\n{rows}")
        }
        Block::Plot(one) => writeln!(text, "**{}:** {}", escape(&one.title), escape(&one.said)),
        Block::Lines(lines) => {
            // Four spaces make code of it, and nothing in it can end that.
            let lines: String = lines.iter().map(|line| format!("    {line}\n")).collect();
            write!(text, "{lines}")
        }
    };
}

fn table(table: &Table) -> String {
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let mut text = line(table.head.iter().map(|name| escape(name)).collect());
    text.push_str(&line(table.head.iter().map(|_| "---".to_owned()).collect()));
    for row in &table.rows {
        // In a table a bar ends the cell even within code.
        text.push_str(&line(
            row.iter()
                .map(|one| match one {
                    Cell::Text(_) => cell(one),
                    Cell::Code(_) | Cell::Link(_) => cell(one).replace('|', "\\|"),
                })
                .collect(),
        ));
    }
    text
}
