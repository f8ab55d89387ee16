//! A plot as an inline SVG. Colours come from the page's style, shapes say the same without them.

use std::fmt::Write;

use jiff::Timestamp;

use super::html::escape;
use super::page::{Plot, Point, verdict_name};
use crate::analysis::Verdict;
use crate::messages::text::duration;

/// The picture's size, and the room around the values.
const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 190.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 16.0;
const TOP: f64 = 14.0;
const BOTTOM: f64 = 30.0;

/// How values and times become places.
struct Scale {
    from: Timestamp,
    seconds: f64,
    most: f64,
}

impl Scale {
    fn of(plot: &Plot) -> Self {
        let values = plot.points.iter().map(|point| point.value);
        let bounds = plot.bounds.iter().map(|(value, _)| *value);
        let most = values.chain(bounds).fold(0.0, f64::max);
        Self {
            from: plot.from,
            seconds: plot.until.duration_since(plot.from).as_secs_f64().max(1.0),
            // A little air above; nothing but zeros still needs a height.
            most: if most > 0.0 { most * 1.08 } else { 1.0 },
        }
    }

    fn x(&self, at: Timestamp) -> f64 {
        let share = at.duration_since(self.from).as_secs_f64() / self.seconds;
        LEFT + share.clamp(0.0, 1.0) * (WIDTH - LEFT - RIGHT)
    }

    fn y(&self, value: f64) -> f64 {
        let share = (value / self.most).clamp(0.0, 1.0);
        HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)
    }
}

pub(super) fn render(plot: &Plot) -> String {
    let scale = Scale::of(plot);
    let mut svg = format!(
        "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{}: {}\">\n",
        escape(&plot.title),
        escape(&plot.said)
    );
    axes(&mut svg, plot, &scale);
    for (value, name) in &plot.bounds {
        let y = scale.y(*value);
        line(&mut svg, "bound", (LEFT, y), (WIDTH - RIGHT, y));
        words(&mut svg, (WIDTH - RIGHT, y - 4.0), "end", name);
    }
    for (at, name) in &plot.events {
        let x = scale.x(*at);
        line(&mut svg, "event", (x, TOP), (x, HEIGHT - BOTTOM));
        words(&mut svg, (x - 4.0, TOP + 10.0), "end", name);
    }
    path(&mut svg, plot, &scale);
    for point in &plot.points {
        mark(&mut svg, point, &scale);
    }
    svg.push_str("</svg>");
    svg
}

/// Writing to a String can't fail.
fn line(svg: &mut String, class: &str, (x1, y1): (f64, f64), (x2, y2): (f64, f64)) {
    let _ = writeln!(
        svg,
        "<line class=\"{class}\" x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\"/>"
    );
}

fn words(svg: &mut String, (x, y): (f64, f64), anchor: &str, text: &str) {
    let _ = writeln!(
        svg,
        "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{}</text>",
        escape(text)
    );
}

fn axes(svg: &mut String, plot: &Plot, scale: &Scale) {
    let bottom = HEIGHT - BOTTOM;
    line(svg, "axis", (LEFT, TOP), (LEFT, bottom));
    line(svg, "axis", (LEFT, bottom), (WIDTH - RIGHT, bottom));
    let top = plot.points.iter().map(|point| point.value).fold(0.0, f64::max);
    for value in [0.0, top] {
        words(
            svg,
            (LEFT - 6.0, scale.y(value) + 4.0),
            "end",
            &plot.unit.show(value),
        );
        if top <= 0.0 {
            break;
        }
    }
    let lasted = plot.until.duration_since(plot.from).as_secs();
    words(
        svg,
        (LEFT, HEIGHT - 8.0),
        "start",
        &plot.from.strftime("%H:%M:%S UTC").to_string(),
    );
    let end = format!("+{}", duration(lasted));
    words(svg, (WIDTH - RIGHT, HEIGHT - 8.0), "end", &end);
}

fn path(svg: &mut String, plot: &Plot, scale: &Scale) {
    let mut places = String::new();
    let mut before: Option<f64> = None;
    for point in &plot.points {
        let (x, y) = (scale.x(point.at), scale.y(point.value));
        if let (true, Some(held)) = (plot.steps, before) {
            let _ = write!(places, "{x:.1},{held:.1} ");
        }
        let _ = write!(places, "{x:.1},{y:.1} ");
        before = Some(y);
    }
    let _ = writeln!(
        svg,
        "<polyline class=\"value\" points=\"{}\"/>",
        places.trim_end()
    );
}

fn mark(svg: &mut String, point: &Point, scale: &Scale) {
    let Some(verdict) = point.verdict else {
        return;
    };
    let (x, y) = (scale.x(point.at), scale.y(point.value));
    let shape = match verdict {
        Verdict::Pass => format!("<circle class=\"pass\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"2.5\"/>"),
        Verdict::Fail => {
            let (l, r, t, b) = (x - 4.0, x + 4.0, y - 4.0, y + 4.0);
            format!("<path class=\"fail\" d=\"M{l:.1} {t:.1}L{r:.1} {b:.1}M{l:.1} {b:.1}L{r:.1} {t:.1}\"/>")
        }
        Verdict::Inconclusive => {
            format!("<circle class=\"inconclusive\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3.5\"/>")
        }
    };
    let time = point.at.strftime("%H:%M:%S");
    let name = verdict_name(verdict);
    let _ = writeln!(svg, "<g>{shape}<title>{time} {name}</title></g>");
}
