//! A plot as an inline SVG. Colours come from the page's style; shapes say the same without it, since
//! some programs that show HTML leave the style of a picture out.

use std::fmt::Write;

use jiff::Timestamp;

use super::html::escape;
use super::page::{Plot, Point, verdict_name};
use crate::analysis::Verdict;
use crate::messages::text::duration;

/// The picture's size, and the room around the values.
const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 190.0;
const LEFT: f64 = 100.0;
const RIGHT: f64 = 16.0;
const TOP: f64 = 14.0;
const BOTTOM: f64 = 30.0;

/// Room for the name of a bound.
const BOUND_NAME: f64 = 190.0;

/// How values and times become places.
struct Scale {
    from: Timestamp,
    seconds: f64,
    least: f64,
    most: f64,
}

impl Scale {
    fn of(plot: &Plot) -> Self {
        let values = plot.points.iter().map(|point| point.value);
        let all = values.chain(plot.bounds.iter().map(|(value, _)| *value));
        let (low, high) = all.fold((f64::INFINITY, 0.0), |(low, high): (f64, f64), value| {
            (low.min(value), high.max(value))
        });
        // From 99.9 to 100 % nothing would be seen on an axis that begins at nothing.
        let far = !plot.steps && low.is_finite() && low < high && low > high / 2.0;
        let least = if far { low - (high - low) / 4.0 } else { 0.0 };
        // A little air above; nothing but zeros still needs a height.
        let most = if high > least {
            high + (high - least) * 0.08
        } else {
            1.0
        };
        Self {
            from: plot.from,
            seconds: plot.until.duration_since(plot.from).as_secs_f64().max(1.0),
            least,
            most,
        }
    }

    fn x(&self, at: Timestamp) -> f64 {
        let share = at.duration_since(self.from).as_secs_f64() / self.seconds;
        LEFT + share.clamp(0.0, 1.0) * (WIDTH - LEFT - RIGHT)
    }

    fn y(&self, value: f64) -> f64 {
        let share = ((value - self.least) / (self.most - self.least)).clamp(0.0, 1.0);
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
    let mut beside = LEFT + 6.0;
    for (value, name) in &plot.bounds {
        let y = scale.y(*value);
        line(&mut svg, "bound", (LEFT, y), (WIDTH - RIGHT, y));
        // Bounds can lie close together: their names stand beside each other.
        words(&mut svg, (beside, y - 4.0), "start", name);
        beside += BOUND_NAME;
    }
    for (at, name) in &plot.events {
        let x = scale.x(*at);
        line(&mut svg, "event", (x, TOP), (x, HEIGHT - BOTTOM));
        words(&mut svg, (x - 4.0, HEIGHT - BOTTOM - 6.0), "end", name);
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
        "<line class=\"{class}\" stroke=\"currentColor\" x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\"/>"
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
    let top = plot
        .points
        .iter()
        .map(|point| point.value)
        .fold(scale.least, f64::max);
    let least = Some(scale.least).filter(|least| scale.y(*least) - scale.y(top) > 12.0 || top <= *least);
    // Of two labels that would lie on each other, the value's is the one to read.
    let top = Some(top).filter(|top| *top > scale.least);
    for value in least.into_iter().chain(top) {
        let at = (LEFT - 6.0, scale.y(value) + 4.0);
        words(svg, at, "end", &plot.unit.show(value));
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
        "<polyline class=\"value\" fill=\"none\" stroke=\"currentColor\" points=\"{}\"/>",
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
            format!(
                "<path class=\"fail\" stroke=\"currentColor\" d=\"M{l:.1} {t:.1}L{r:.1} {b:.1}M{l:.1} {b:.1}L{r:.1} {t:.1}\"/>"
            )
        }
        Verdict::Inconclusive => {
            format!(
                "<circle class=\"inconclusive\" fill=\"none\" stroke=\"currentColor\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3.5\"/>"
            )
        }
    };
    let time = point.at.strftime("%H:%M:%S");
    let name = verdict_name(verdict);
    let _ = writeln!(svg, "<g>{shape}<title>{time} {name}</title></g>");
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::analysis::Unit;

    fn plot(values: &[f64], bounds: &[f64]) -> Plot {
        let from: Timestamp = "2026-11-20T09:00:00Z".parse().unwrap();
        let points = values.iter().zip(0..).map(|(value, minute)| Point {
            at: from + jiff::SignedDuration::from_mins(minute),
            value: *value,
            verdict: Some(Verdict::Pass),
        });
        Plot {
            title: "t".to_owned(),
            said: "s".to_owned(),
            from,
            until: from + jiff::SignedDuration::from_mins(10),
            unit: Unit::Percent,
            steps: false,
            points: points.collect(),
            bounds: bounds.iter().map(|value| (*value, "b".to_owned())).collect(),
            events: Vec::new(),
        }
    }

    #[test]
    fn an_axis_begins_at_nothing_unless_all_is_far_from_it() {
        let least = |values: &[f64], bounds: &[f64]| Scale::of(&plot(values, bounds)).least;
        assert_eq!(least(&[0.1, 0.2], &[1.0]), 0.0);
        assert_eq!(least(&[120.0, 118.0], &[500.0]), 0.0);
        assert!((least(&[100.0, 99.96], &[99.9]) - 99.875).abs() < 1e-6);
        assert_eq!(least(&[100.0], &[]), 0.0);
    }

    #[test]
    fn the_axis_says_where_it_begins_and_how_high_it_goes() {
        let labels = |values: &[f64]| {
            let svg = render(&plot(values, &[]));
            let axis = svg.lines().filter(|line| line.contains("<text x=\"94.0\""));
            let said = axis.map(|line| line.split(['>', '<']).nth(2).unwrap().to_owned());
            said.collect::<Vec<_>>()
        };
        assert_eq!(labels(&[0.0, 50.0]), ["0 %", "50 %"]);
        assert_eq!(labels(&[0.0, 0.0]), ["0 %"]);
        assert_eq!(labels(&[100.0, 99.9]), ["99.875 %", "100 %"]);
    }

    #[test]
    fn everything_is_within_the_picture_whatever_the_values() {
        for values in [
            &[0.0, 0.0][..],
            &[1e12, 0.0],
            &[f64::MIN_POSITIVE],
            &[100.0, 99.9],
            &[],
        ] {
            let svg = render(&plot(values, &[]));
            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
            let scale = Scale::of(&plot(values, &[]));
            for value in values {
                assert!((TOP..=HEIGHT - BOTTOM).contains(&scale.y(*value)), "{value}");
            }
        }
    }

    #[test]
    fn an_axis_begins_above_nothing_only_for_values_above_half_of_the_highest() {
        let least = |values: &[f64]| Scale::of(&plot(values, &[])).least;
        assert_eq!(least(&[100.0, 50.0]), 0.0);
        assert!(least(&[100.0, 51.0]) > 0.0);
    }

    #[test]
    fn names_of_bounds_stand_beside_each_other() {
        let svg = render(&plot(&[1.0], &[1.0, 1.1, 1.2]));
        let names = svg.lines().filter(|line| line.ends_with(">b</text>"));
        let at: Vec<f64> = names
            .map(|line| line.split('"').nth(1).and_then(|x| x.parse().ok()).unwrap())
            .collect();
        assert_eq!(
            at,
            [LEFT + 6.0, LEFT + 6.0 + BOUND_NAME, LEFT + 6.0 + 2.0 * BOUND_NAME]
        );
    }
}
