//! The report as one HTML page that loads nothing: readable on a phone and on paper, light or dark as
//! the reader has it, without a script.

use std::fmt::Write;

use super::page::{Block, Cell, Page, Plot, Table};
use super::svg;

/// Nothing is loaded from anywhere, and nothing runs, whatever is in the texts.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";

const STYLE: &str = include_str!("report.css");

/// The page.
pub fn render(page: &Page) -> String {
    let title = escape(&page.title);
    let mut html = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n\
         <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n"
    );
    html.push_str("<dl>\n");
    for (name, value) in &page.facts {
        // Writing to a String can't fail.
        let _ = writeln!(html, "<dt>{}</dt><dd>{}</dd>", escape(name), cell(value));
    }
    html.push_str("</dl>\n");
    for section in &page.sections {
        let _ = writeln!(html, "<section>\n<h2>{}</h2>", escape(section.heading));
        for one in &section.blocks {
            block(&mut html, one);
        }
        html.push_str("</section>\n");
    }
    html.push_str("</main>\n</body>\n</html>\n");
    html
}

/// Text as it may stand in HTML, between tags and in attributes with double quotes.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

fn cell(cell: &Cell) -> String {
    match cell {
        Cell::Text(text) => escape(text),
        Cell::Code(text) => format!("<code>{}</code>", escape(text)),
        Cell::Link(address) => {
            let address = escape(address);
            format!("<a href=\"{address}\" rel=\"noreferrer\">{address}</a>")
        }
    }
}

fn block(html: &mut String, block: &Block) {
    let _ = match block {
        Block::Text(text) => writeln!(html, "<p>{}</p>", escape(text)),
        Block::List(items) => {
            let items: String = items
                .iter()
                .map(|item| format!("<li>{}</li>\n", escape(item)))
                .collect();
            writeln!(html, "<ul>\n{items}</ul>")
        }
        Block::Table(one) => writeln!(html, "{}", table(one)),
        Block::ToFillIn(items) => {
            let row = |(name, hint): &(&str, &str)| {
                format!(
                    "<dt>{}</dt><dd class=\"blank\">{}</dd>\n",
                    escape(name),
                    escape(hint)
                )
            };
            let rows: String = items.iter().map(row).collect();
            writeln!(html, "<h3>To fill in</h3>\n<dl>\n{rows}</dl>")
        }
        Block::Plot(one) => writeln!(html, "{}", figure(one)),
        Block::Lines(lines) => writeln!(html, "<pre>{}</pre>", escape(&lines.join("\n"))),
    };
}

fn table(table: &Table) -> String {
    let head: String = table
        .head
        .iter()
        .map(|name| format!("<th>{}</th>", escape(name)))
        .collect();
    let mut rows = String::new();
    for row in &table.rows {
        let cells: String = row.iter().map(|one| format!("<td>{}</td>", cell(one))).collect();
        let _ = writeln!(rows, "<tr>{cells}</tr>");
    }
    // Its own frame, so that a wide table scrolls and the page does not.
    format!(
        "<div class=\"wide\"><table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}</tbody>\n</table></div>"
    )
}

fn figure(plot: &Plot) -> String {
    format!(
        "<figure>\n<figcaption><b>{}</b>: {}</figcaption>\n{}\n</figure>",
        escape(&plot.title),
        escape(&plot.said),
        svg::render(plot)
    )
}
