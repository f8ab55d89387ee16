//! Measures as a table with their targets, and the weeks as bars.

use tidegate_core::measures::{Answer, Figures, Judged, Measures, Rate, Spread, Week};

use super::Paint;
use super::words::duration;

/// Width of the columns before the values: measure, answer, target.
const NAMES: usize = 21;
const ANSWERS: usize = 15;
const TARGETS: usize = 10;

/// The longest bar of a week, columns.
const LONGEST_BAR: usize = 60;

/// All of it: each target, and all of them together where there are several.
pub fn measures(measures: &Measures, columns: usize, paint: Paint) -> String {
    let period = measures.period;
    let when = format!("{:.0} to {:.0}", period.since, period.until);
    if measures.targets.is_empty() {
        return format!("no deployment ended from {when}");
    }
    let mut blocks: Vec<String> = measures
        .targets
        .iter()
        .map(|one| block(&one.target, &when, &one.figures, columns, paint))
        .collect();
    if measures.targets.len() > 1 {
        let name = format!("all {} targets", measures.targets.len());
        blocks.push(block(&name, &when, &measures.all, columns, paint));
    }
    blocks.join("\n\n")
}

/// Whether any target of any service is missed.
pub fn any_missed(measures: &Measures) -> bool {
    let each = measures.targets.iter().map(|one| &one.figures);
    each.chain([&measures.all])
        .any(|figures| judged(figures).iter().any(|one| one.answer == Answer::Missed))
}

fn judged(figures: &Figures) -> [&Judged; 4] {
    [
        &figures.success_target,
        &figures.change_failure_target,
        &figures.recovery_target,
        &figures.without_downtime_target,
    ]
}

fn block(name: &str, when: &str, figures: &Figures, columns: usize, paint: Paint) -> String {
    let mut lines = vec![
        format!("{}  {}", paint.bold(name), paint.dim(when)),
        String::new(),
    ];
    for row in rows(figures) {
        lines.push(row.shown(columns, paint));
    }
    lines.push(String::new());
    lines.push(paint.dim("  each week: # completed, x not completed or taken back later"));
    lines.extend(weeks(&figures.weeks, columns, paint));
    lines.join("\n")
}

/// One measure.
struct Row<'a> {
    name: &'static str,
    judged: Option<&'a Judged>,
    value: String,
}

fn rows(figures: &Figures) -> Vec<Row<'_>> {
    let row = |name, value| Row {
        name,
        judged: None,
        value,
    };
    let against = |name, judged, value| Row {
        name,
        judged: Some(judged),
        value,
    };
    let mut rows = vec![
        row("deployments", ended(figures)),
        row("frequency", frequency(figures)),
        row("lead time", lead_time(figures)),
        against("success", &figures.success_target, rate(figures.success)),
        against(
            "change failures",
            &figures.change_failure_target,
            rate(figures.change_failure),
        ),
        against("time to recovery", &figures.recovery_target, recovery(figures)),
        against(
            "without downtime",
            &figures.without_downtime_target,
            rate(figures.without_downtime),
        ),
        row("rollbacks", rate(figures.rollback)),
    ];
    if let Some(left_out) = left_out(figures) {
        rows.push(row("left out", left_out));
    }
    rows
}

impl Row<'_> {
    fn shown(&self, columns: usize, paint: Paint) -> String {
        let (answer, target, why) = match self.judged {
            None => (String::new(), "", ""),
            Some(judged) => (
                answer(judged.answer, paint),
                judged.target.as_str(),
                judged.why.as_str(),
            ),
        };
        let value = match why {
            "" => self.value.clone(),
            why => format!("{}: {why}", self.value),
        };
        // Colours take no columns, so the answer is padded by what it says.
        let said = self
            .judged
            .map_or(0, |judged| words(judged.answer).chars().count());
        let gap = " ".repeat(ANSWERS.saturating_sub(said));
        let head = format!("  {:NAMES$}{answer}{gap}{target:TARGETS$}", self.name);
        let indent = 2 + NAMES + ANSWERS + TARGETS;
        format!("{head}{}", wrapped(&value, indent, columns))
            .trim_end()
            .to_owned()
    }
}

const fn words(answer: Answer) -> &'static str {
    match answer {
        Answer::Met => "met",
        Answer::Missed => "MISSED",
        Answer::NotEnoughData => "too few to say",
    }
}

fn answer(answer: Answer, paint: Paint) -> String {
    let words = words(answer);
    match answer {
        Answer::Met => paint.good(words),
        Answer::Missed => paint.bad(words),
        Answer::NotEnoughData => paint.warn(words),
    }
}

/// Broken between words where a line would be too long; what follows is set in by `indent`. In a
/// terminal that has no room for that, the text goes on as it is.
fn wrapped(text: &str, indent: usize, columns: usize) -> String {
    let room = columns.saturating_sub(indent);
    if room < 20 {
        return text.to_owned();
    }
    let (mut out, mut used) = (String::new(), 0);
    for word in text.split(' ') {
        let length = word.chars().count();
        if used > 0 && used + 1 + length > room {
            out.push('\n');
            out.push_str(&" ".repeat(indent));
            used = 0;
        } else if used > 0 {
            out.push(' ');
            used += 1;
        }
        out.push_str(word);
        used += length;
    }
    out
}

fn ended(figures: &Figures) -> String {
    let ended = figures.ended;
    let mut parts = vec![format!("{} completed", ended.completed)];
    if ended.reversed > 0 {
        parts.push(format!("{} of them taken back later", ended.reversed));
    }
    for (number, how) in [
        (ended.rolled_back, "rolled back"),
        (ended.aborted, "aborted before traffic"),
        (ended.rollback_failed, "whose rollback FAILED"),
    ] {
        if number > 0 {
            parts.push(format!("{number} {how}"));
        }
    }
    parts.join(", ")
}

fn left_out(figures: &Figures) -> Option<String> {
    let ended = figures.ended;
    let parts: Vec<String> = [
        (ended.blocked, "blocked"),
        (ended.superseded, "superseded"),
        (ended.not_approved, "not approved"),
    ]
    .into_iter()
    .filter(|(number, _)| *number > 0)
    .map(|(number, why)| format!("{number} {why}"))
    .collect();
    (!parts.is_empty()).then(|| format!("{}: in no rate above", parts.join(", ")))
}

fn frequency(figures: &Figures) -> String {
    let (day, week) = (figures.completed_per_day, figures.completed_per_week);
    format!("{day:.1} completed a day, {week:.1} a week")
}

fn lead_time(figures: &Figures) -> String {
    let Some(spread) = &figures.lead_time else {
        return "nothing completed".to_owned();
    };
    let from = match figures.lead_times_from_commit {
        0 => "from the push of the image".to_owned(),
        all if all == spread.count => "from the commit".to_owned(),
        some => format!(
            "from the commit for {some}, from the push of the image for {}",
            spread.count - some
        ),
    };
    format!("{}, {from}", times(spread))
}

fn recovery(figures: &Figures) -> String {
    match &figures.recovery {
        None => "nothing measured".to_owned(),
        Some(spread) if spread.count == 1 => times(spread),
        Some(spread) => {
            let (mean, count) = (time(spread.mean_seconds), spread.count);
            format!("mean {mean}, {}, {count} recoveries", times(spread))
        }
    }
}

fn times(spread: &Spread) -> String {
    if spread.count == 1 {
        return format!("{}, once", time(spread.max_seconds));
    }
    let p90 = spread
        .p90_seconds
        .map_or_else(String::new, |p90| format!("90 % within {}, ", time(p90)));
    format!(
        "median {}, {p90}longest {}",
        time(spread.median_seconds),
        time(spread.max_seconds)
    )
}

/// Whole seconds of a time that is never negative and below a few thousand years.
#[expect(clippy::cast_possible_truncation, reason = "rounded, and bounded by u32")]
fn time(seconds: f64) -> String {
    duration(seconds.round().clamp(0.0, f64::from(u32::MAX)) as i64)
}

fn rate(rate: Rate) -> String {
    match rate.percent() {
        None => "none to count".to_owned(),
        Some(percent) => format!("{percent:.1} % ({} of {})", rate.part, rate.whole),
    }
}

fn weeks(weeks: &[Week], columns: usize, paint: Paint) -> Vec<String> {
    let most = weeks.iter().map(|week| week.completed + week.failed).max();
    let most = most.unwrap_or_default().max(1);
    // Before the bar the date, after it the numbers.
    let room = columns.saturating_sub(14 + 26).clamp(8, LONGEST_BAR).min(most);
    weeks
        .iter()
        .map(|week| {
            let (good, bad) = (marks(week.completed, most, room), marks(week.failed, most, room));
            let bar = format!("{}{}", paint.good(&"#".repeat(good)), paint.bad(&"x".repeat(bad)));
            let gap = " ".repeat((room + 2).saturating_sub(good + bad));
            let numbers = match (week.completed, week.failed) {
                (0, 0) => "-".to_owned(),
                (completed, 0) => format!("{completed} completed"),
                (completed, failed) => format!("{completed} completed, {failed} failed"),
            };
            let day = week.from.strftime("%Y-%m-%d");
            format!("  {day}  {bar}{gap}{numbers}").trim_end().to_owned()
        })
        .collect()
}

/// So many marks of `room` for a number of `most`: none only for none.
fn marks(number: usize, most: usize, room: usize) -> usize {
    if number == 0 {
        0
    } else {
        ((number * room + most / 2) / most).max(1)
    }
}
