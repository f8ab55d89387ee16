//! Forms, rules, and that nobody's text becomes more than text. Whole reports of real journals are
//! goldens in `tests/goldens/reports`.

use super::incident::impact;
use super::page::{Block, Cell, Page};
use super::{Source, html, markdown, report};
use crate::analysis::{Check, Measurement, Verdict};
use crate::deployment::{Deployment, Kind, Override};
use crate::event::Event;
use crate::exit::{AbortCause, Exit, ExitState};
use crate::gates::GateDecision;
use crate::ids::{ChangeId, Epoch, PlanHash};
use crate::impact::Impact;
use crate::journal::{self, Entry};
use crate::spec::GatePhase;
use crate::testing::{CANARY, at, plan, requested, suite, weight};

/// Text that would be more than text wherever it is not escaped.
const HOSTILE: &str = "</title><script>alert(1)</script>\"' onload=\"x\" `code` [l](javascript:1) | <!-- @all\r\nhttps://evil.example\u{202e}";

/// A deployment with the journal that it is the fold of.
struct Story {
    deployment: Deployment,
    journal: Vec<Entry>,
}

impl Story {
    fn new() -> Self {
        Self::of(requested(CANARY))
    }

    fn of(deployment: Deployment) -> Self {
        let revision = deployment.revision.clone();
        let origin = deployment.origin.clone();
        let overrides = deployment.overrides.clone();
        let story = Self {
            deployment,
            journal: Vec::new(),
        };
        let first = Event::DeploymentRequested {
            revision,
            origin,
            epoch: Epoch(7),
            overrides,
        };
        story.then(0, first)
    }

    fn then(mut self, seconds: i64, event: Event) -> Self {
        let entries = journal::append(&mut self.deployment, vec![event], "test", at(seconds));
        self.journal.extend(entries);
        self
    }

    fn planned(self) -> Self {
        let plan = plan(&self.deployment.spec).into();
        self.then(5, Event::Planned { plan })
    }

    /// At so many percent after 100 seconds.
    fn at_weight(self, percent: u8) -> Self {
        self.at_step(0, percent, 100)
    }

    fn at_step(self, step: usize, percent: u8, seconds: i64) -> Self {
        let weight = weight(percent);
        let decided = Event::WeightDecided {
            step,
            weight,
            healthy: 4,
            needed: 4,
        };
        self.then(seconds - 5, decided)
            .then(seconds, Event::WeightReached { step, weight })
    }

    fn stopped(self, seconds: i64, cause: AbortCause) -> Self {
        let abort = Event::AbortRequested { cause: cause.clone() };
        let epoch = Epoch(8);
        self.then(seconds, abort)
            .then(seconds + 1, Event::RollbackStarted { epoch, cause })
    }

    fn back(self, seconds: i64) -> Self {
        let quiesced_at = at(seconds + 75);
        self.then(seconds, Event::TrafficReturned { quiesced_at })
    }

    fn ended(self, seconds: i64, state: ExitState) -> Self {
        let exit = Exit {
            state,
            at: at(seconds),
            reason: "because".to_owned(),
            remedy: None,
        };
        self.then(seconds, Event::Exited { exit })
    }

    fn impact(&self) -> Impact {
        impact(Source {
            deployment: &self.deployment,
            journal: &self.journal,
        })
    }

    fn page(&self) -> Page {
        report(&self.deployment, &self.journal)
    }
}

fn failed(reason: &str) -> AbortCause {
    AbortCause::AnalysisFailed {
        reason: reason.to_owned(),
    }
}

fn superseded() -> AbortCause {
    AbortCause::Superseded {
        by: None,
        digest: "sha256:3".to_owned(),
    }
}

fn check(value: f64, verdict: Verdict) -> Event {
    let measurement = |metric: &str, value, verdict| Measurement {
        metric: metric.to_owned(),
        value,
        bound: "at most 1 %".to_owned(),
        verdict,
        reason: String::new(),
    };
    let check = Check {
        verdict,
        measurements: vec![
            measurement("error_rate", Some(value), verdict),
            // The same metric again, as a condition looks at it.
            measurement("error_rate", Some(value), Verdict::Pass),
            measurement("latency_p99", None, Verdict::Inconclusive),
        ],
        reason: format!("error_rate is {value} %"),
        condition_breached: None,
        from: at(120),
        until: at(180),
    };
    Event::Checked {
        check,
        passed: 0,
        failed: 0,
        inconclusive: 0,
    }
}

fn headings(page: &Page) -> Vec<&'static str> {
    page.sections.iter().map(|section| section.heading).collect()
}

fn section<'a>(page: &'a Page, heading: &str) -> &'a [Block] {
    let found = page.sections.iter().find(|section| section.heading == heading);
    &found.unwrap().blocks
}

#[test]
fn what_did_not_happen_has_no_section() {
    let blocked = Story::new().ended(3, ExitState::Blocked);
    assert_eq!(
        headings(&blocked.page()),
        ["Phases", "Issues", "Timeline", "Record"]
    );
    let whole = Story::new()
        .planned()
        .at_weight(25)
        .stopped(400, failed("no"))
        .back(410)
        .ended(500, ExitState::RolledBack);
    assert_eq!(
        headings(&whole.page()),
        [
            "Incident",
            "Phases",
            "Traffic and verdicts",
            "Issues",
            "Changes",
            "Timeline",
            "Record"
        ]
    );
}

#[test]
fn severity_follows_share_time_and_outcome() {
    let of = |percent: Option<u8>, back: Option<i64>, state| {
        let story = Story::new().planned();
        let story = match percent {
            Some(percent) => story.at_weight(percent),
            None => story,
        };
        let story = story.stopped(400, failed("no"));
        let story = match back {
            Some(seconds) => story.back(400 + seconds),
            None => story,
        };
        story.ended(9000, state).impact()
    };
    let back = ExitState::RolledBack;
    assert_eq!(of(None, Some(5), ExitState::Aborted), Impact::None);
    assert_eq!(of(Some(49), Some(1799), back), Impact::Minor);
    assert_eq!(of(Some(49), Some(1800), back), Impact::Major);
    assert_eq!(of(Some(50), Some(5), back), Impact::Major);
    assert_eq!(of(Some(5), None, back), Impact::Critical);
    assert_eq!(of(Some(5), Some(5), ExitState::RollbackFailed), Impact::Critical);
    assert_eq!(of(None, None, ExitState::RollbackFailed), Impact::Critical);
}

#[test]
fn what_was_completed_had_all_the_traffic_when_it_is_taken_back() {
    let mut deployment = requested(CANARY);
    let of = "web-production-6".parse().unwrap();
    deployment.kind = Kind::Reversal { of };
    let story = Story::of(deployment)
        .planned()
        .stopped(1, failed("no"))
        .back(2)
        .ended(90, ExitState::RolledBack);
    assert_eq!(story.impact(), Impact::Major);
    let page = story.page();
    let Block::Plot(plot) = &section(&page, "Traffic and verdicts")[0] else {
        unreachable!("the weights come first");
    };
    let values: Vec<f64> = plot.points.iter().map(|point| point.value).collect();
    assert_eq!(values, [100.0, 0.0, 0.0]);
}

#[test]
fn a_newer_image_is_no_incident_unless_the_way_back_fails() {
    let story = || Story::new().planned().at_weight(25).stopped(400, superseded());
    let fill_in = |story: &Story| {
        section(&story.page(), "Incident")
            .iter()
            .any(|block| matches!(block, Block::ToFillIn(_)))
    };
    let good = story().back(401).ended(500, ExitState::RolledBack);
    assert!(!fill_in(&good));
    let text = markdown::render(&good.page());
    assert!(
        text.contains("No incident: a newer image took its place."),
        "{text}"
    );
    let bad = story().ended(500, ExitState::RollbackFailed);
    assert!(fill_in(&bad));
}

#[test]
fn detect_decide_and_safe_are_told_with_their_distance() {
    let cause = AbortCause::AlarmRaised {
        alarm: "errors".to_owned(),
        raised_at: Some(at(390)),
        reason: String::new(),
    };
    let story = Story::new()
        .planned()
        .at_weight(25)
        .stopped(400, cause)
        .back(450)
        .ended(600, ExitState::RolledBack);
    let text = markdown::render(&story.page());
    for row in [
        "| Detected | 2026-11-20 09:06:30 UTC | 0 s |",
        "| Decided to stop | 2026-11-20 09:06:40 UTC | 10 s |",
        "| Safe: all traffic on stable | 2026-11-20 09:07:30 UTC | 1 min |",
    ] {
        assert!(text.contains(row), "{row}\n{text}");
    }
}

#[test]
fn a_check_that_failed_before_anyone_decided_is_the_first_sign() {
    let story = Story::new()
        .planned()
        .at_weight(25)
        .then(200, check(3.0, Verdict::Fail))
        .stopped(400, failed("no"));
    // Its window ended at 180 seconds.
    assert_eq!(
        story.back(1979).ended(2100, ExitState::RolledBack).impact(),
        Impact::Minor
    );
    let story = Story::new()
        .planned()
        .at_weight(25)
        .then(200, check(3.0, Verdict::Fail))
        .stopped(400, failed("no"))
        .back(1980)
        .ended(2100, ExitState::RolledBack);
    assert_eq!(story.impact(), Impact::Major);
    let text = markdown::render(&story.page());
    assert!(
        text.contains("| First failed check | 2026-11-20 09:03:00 UTC | 0 s |"),
        "{text}"
    );
    assert!(
        text.contains("| Safe: all traffic on stable | 2026-11-20 09:33:00 UTC | 30 min |"),
        "{text}"
    );
}

#[test]
fn a_metric_has_one_value_for_each_check_with_the_worst_verdict() {
    let story = Story::new()
        .planned()
        .at_weight(25)
        .then(200, check(0.5, Verdict::Pass))
        .then(260, check(3.0, Verdict::Fail));
    let page = story.page();
    let blocks = section(&page, "Traffic and verdicts");
    let plots: Vec<_> = blocks
        .iter()
        .filter_map(|block| {
            if let Block::Plot(plot) = block {
                Some(plot)
            } else {
                None
            }
        })
        .collect();
    // The weights, and the one metric that had values.
    assert_eq!(plots.len(), 2);
    let told: Vec<_> = plots[1].points.iter().map(|p| (p.value, p.verdict)).collect();
    assert_eq!(told, [(0.5, Some(Verdict::Pass)), (3.0, Some(Verdict::Fail))]);
    assert_eq!(plots[1].said, "2 measured, 0.5 % to 3 %, 1 failed (at most 1 %).");
    assert_eq!(plots[1].bounds[0].0, 1.0);
    let Block::Table(steps) = &blocks[1] else {
        unreachable!("the steps come second");
    };
    let cells: Vec<_> = steps.rows[0].iter().skip(3).cloned().collect();
    let said = ["2 min 40 s", "1", "1", "0"].map(|text| Cell::Text(text.to_owned()));
    assert_eq!(cells, said);
}

#[test]
fn a_changed_journal_is_said_to_be_broken() {
    let mut story = Story::new().planned().ended(9, ExitState::Aborted);
    assert!(markdown::render(&story.page()).contains("verified: every entry as it was written"));
    story.journal[1].by = "someone".to_owned();
    assert!(markdown::render(&story.page()).contains("BROKEN: entry 2 was changed"));
}

#[test]
fn one_that_runs_tells_what_is_known() {
    let story = Story::new().planned().then(
        20,
        Event::Waiting {
            reason: "tasks are starting".to_owned(),
        },
    );
    let text = markdown::render(&story.page());
    assert!(
        text.starts_with("# web/production: web:v2 is on its way\n"),
        "{text}"
    );
    assert!(text.contains("- **Waits:** tasks are starting"), "{text}");
    assert!(text.contains("still underway"), "{text}");
}

/// One with someone else's text in every place that takes any.
fn hostile() -> Story {
    let mut deployment = requested(&format!("{CANARY}migrations: [{{name: a, command: [up]}}]\n"));
    deployment.revision.tag = Some(HOSTILE.to_owned());
    deployment.spec.notifications.dashboard = Some(format!("https://d.example/{HOSTILE}"));
    deployment.overrides.push(Override {
        what: HOSTILE.to_owned(),
        by: "<b>maria</b>".parse().unwrap(),
        reason: HOSTILE.to_owned(),
    });
    let decision = GateDecision {
        by: "<i>sam</i>".parse().unwrap(),
        role: "product".parse().unwrap(),
        approve: true,
        reason: HOSTILE.to_owned(),
        plan_hash: PlanHash::of(b"plan"),
        at: at(30),
    };
    let opened = Event::GateOpened {
        before: GatePhase::Shift,
        expires_at: at(9000),
        plan_hash: PlanHash::of(b"plan"),
    };
    let decided = Event::Decided {
        before: GatePhase::Shift,
        decision,
    };
    let mut checked = check(3.0, Verdict::Fail);
    if let Event::Checked { check, .. } = &mut checked {
        check.reason = HOSTILE.to_owned();
        check.measurements[0].metric = HOSTILE.to_owned();
    }
    let ended = Event::SuiteEnded {
        suite: suite(HOSTILE),
        exit_code: 1,
        log: vec![HOSTILE.to_owned()],
    };
    let exit = Exit {
        state: ExitState::RolledBack,
        at: at(700),
        reason: HOSTILE.to_owned(),
        remedy: Some(HOSTILE.to_owned()),
    };
    let waiting = Event::Waiting {
        reason: HOSTILE.to_owned(),
    };
    let arn = format!("arn/{HOSTILE}");
    let id = ChangeId::of("migration", "a");
    let begun = Event::ChangeStarted {
        id: id.clone(),
        before: None,
    };
    let broken = Event::ChangeFailed {
        id,
        reason: HOSTILE.to_owned(),
        log: vec![HOSTILE.to_owned()],
    };
    Story::of(deployment)
        .planned()
        .then(5, begun)
        .then(6, broken)
        .then(6, Event::TaskDefinitionRegistered { arn })
        .then(20, opened)
        .then(30, decided)
        .then(31, waiting)
        .at_weight(25)
        .then(200, checked)
        .then(390, ended)
        .stopped(400, failed(HOSTILE))
        .back(410)
        .then(700, Event::Exited { exit })
}

#[test]
fn nothing_that_others_wrote_becomes_part_of_the_page() {
    let page = html::render(&hostile().page());
    let known = [
        "!doctype",
        "html",
        "head",
        "meta",
        "title",
        "style",
        "body",
        "main",
        "h1",
        "h2",
        "h3",
        "dl",
        "dt",
        "dd",
        "section",
        "p",
        "ul",
        "li",
        "div",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "code",
        "pre",
        "a",
        "figure",
        "figcaption",
        "b",
        "svg",
        "g",
        "line",
        "text",
        "polyline",
        "circle",
        "path",
    ];
    for tag in page.split('<').skip(1) {
        let name: String = tag
            .trim_start_matches('/')
            .chars()
            .take_while(|c| c.is_ascii_alphanumeric() || *c == '!')
            .collect();
        assert!(known.contains(&name.as_str()), "<{tag}");
        // Every other piece between quotes is an attribute's value.
        let inside = tag.split('>').next().unwrap_or_default();
        let names: String = inside.split('"').step_by(2).collect();
        assert!(!names.contains("onload"), "<{tag}");
    }
    assert_eq!(page.matches("<title>").count() - page.matches("<g>").count(), 1);
    assert!(page.contains("alert(1)"), "it is shown as what it is");
    assert!(!page.contains('\u{202e}'));
    // The dashboard's address has spaces in it by then, so that it is none.
    assert!(!page.contains("<a "));
}

#[test]
fn the_page_loads_nothing_and_runs_nothing() {
    let page = html::render(&hostile().page());
    let style = page
        .split("<style>")
        .nth(1)
        .unwrap()
        .split("</style>")
        .next()
        .unwrap();
    for word in ["url(", "@import", "http"] {
        assert!(!style.contains(word), "{word}");
    }
    for word in [
        " src=",
        "<link",
        "<script",
        "<iframe",
        "<img",
        "http-equiv=\"refresh",
    ] {
        assert!(!page.contains(word), "{word}");
    }
    assert!(page.contains("default-src 'none'"));
}

#[test]
fn markdown_of_others_text_stays_text() {
    let text = markdown::render(&hostile().page());
    // Outside of code, nothing of it is live.
    let prose: Vec<&str> = text
        .lines()
        .filter(|line| !line.starts_with("    ") && !line.contains("` ") && !line.contains("``"))
        .collect();
    for line in prose {
        assert!(!line.contains("<script"), "{line}");
        assert!(!line.contains("[l]("), "{line}");
        assert!(!line.contains("@all"), "{line}");
        assert!(!line.contains("https://evil"), "{line}");
        assert!(!line.contains("<!--"), "{line}");
    }
    // Every row of a table has the cells of its head.
    let mut columns = 0;
    for line in text.lines() {
        if line.starts_with('|') {
            let bars = line.replace("\\|", "").matches('|').count();
            assert!(columns == 0 || bars == columns, "{line}");
            columns = bars;
        } else {
            columns = 0;
        }
    }
}

#[test]
fn only_addresses_of_the_web_are_links() {
    let kinds = [
        ("https://d.example/x?a=1&b=2", true),
        ("http://d.example", true),
        ("javascript:alert(1)", false),
        ("https://d.example/a b", false),
        ("data:text/html,x", false),
    ];
    for (address, is_link) in kinds {
        assert_eq!(matches!(Cell::link(address), Cell::Link(_)), is_link, "{address}");
    }
}

#[test]
fn changes_are_told_with_what_came_of_them_and_their_last_lines() {
    let file = format!("{CANARY}migrations: [{{name: a, command: [up]}}, {{name: b, command: [up]}}]\n");
    let id = |name| ChangeId::of("migration", name);
    let begun = |name| Event::ChangeStarted {
        id: id(name),
        before: None,
    };
    let made = Event::ChangeMade {
        id: id("a"),
        detail: "task 1 ended with exit code 0".to_owned(),
        log: vec!["12 rows".to_owned()],
    };
    let failed = Event::ChangeFailed {
        id: id("b"),
        reason: "task 2 ended with exit code 3".to_owned(),
        log: vec!["ERROR: deadlock".to_owned()],
    };
    let story = Story::of(requested(&file)).planned();
    let story = story
        .then(10, begun("a"))
        .then(20, made)
        .then(30, begun("b"))
        .then(40, failed);
    let text = markdown::render(&story.page());
    for part in [
        "| migration:a: run \\`up\\` (forward-only) | made | task 1 ended with exit code 0 |",
        "| failed | task 2 ended with exit code 3 |",
        "Last lines of migration:a:\n\n    12 rows\n",
        "Last lines of migration:b:\n\n    ERROR: deadlock\n",
    ] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
}

/// A migration that a rollback holds.
fn held(name: &str) -> Event {
    Event::ChangeHeld {
        id: ChangeId::of("migration", name),
        choice: Some(crate::change::Choice::Hold),
        advice: None,
        reason: "it is forward-only, and stable works with it".to_owned(),
        remedy: None,
        log: Vec::new(),
    }
}

/// One with something in every section: changes, a gate, steps with checks of each verdict, a rollback.
fn whole() -> Story {
    let mut deployment = requested(&format!(
        "{CANARY}migrations: [{{name: a, command: [up]}}, {{name: b, command: [up]}}]\n"
    ));
    deployment.overrides.push(Override {
        what: "quarantine".to_owned(),
        by: "maria".parse().unwrap(),
        reason: "repaired by hand".to_owned(),
    });
    let id = |name: &str| ChangeId::of("migration", name);
    let begun = |name: &str| Event::ChangeStarted {
        id: id(name),
        before: None,
    };
    let made = |name: &str, lines: &[&str]| Event::ChangeMade {
        id: id(name),
        detail: "its task ended with exit code 0".to_owned(),
        log: lines.iter().map(|line| (*line).to_owned()).collect(),
    };
    let opened = Event::GateOpened {
        before: GatePhase::Shift,
        expires_at: at(9000),
        plan_hash: PlanHash::of(b"plan"),
    };
    let decided = |by: &str, reason: &str, seconds| Event::Decided {
        before: GatePhase::Shift,
        decision: GateDecision {
            by: by.parse().unwrap(),
            role: "product".parse().unwrap(),
            approve: true,
            reason: reason.to_owned(),
            plan_hash: PlanHash::of(b"plan"),
            at: at(seconds),
        },
    };
    let waiting = |reason: &str| Event::Waiting {
        reason: reason.to_owned(),
    };
    let checked = |seconds: i64, value, verdict| {
        let mut event = check(value, verdict);
        if let Event::Checked { check, .. } = &mut event {
            (check.from, check.until) = (at(seconds - 60), at(seconds));
        }
        event
    };
    let tested = |exit_code| Event::SuiteEnded {
        suite: suite("smoke"),
        exit_code,
        log: Vec::new(),
    };
    let exit = Exit {
        state: ExitState::RolledBack,
        at: at(1290),
        reason: "analysis failed: error_rate is 4 %".to_owned(),
        remedy: Some("repair the image and push it again".to_owned()),
    };
    Story::of(deployment)
        .planned()
        .then(6, begun("a"))
        .then(16, made("a", &["12 rows", "done"]))
        .then(17, begun("b"))
        .then(40, made("b", &[]))
        .then(41, opened)
        .then(60, decided("sam", "looks good", 60))
        .then(90, decided("olaf", "", 90))
        .then(
            91,
            Event::GatePassed {
                before: GatePhase::Shift,
            },
        )
        .then(
            92,
            Event::SuiteStarted {
                suite: suite("smoke"),
            },
        )
        .then(93, tested(0))
        .at_weight(5)
        .then(200, checked(200, 0.5, Verdict::Pass))
        .then(260, checked(260, 0.7, Verdict::Pass))
        .then(261, waiting("1 of 2 candidate tasks are healthy"))
        .at_step(1, 25, 880)
        .then(900, checked(900, 0.9, Verdict::Inconclusive))
        .then(960, checked(960, 4.0, Verdict::Fail))
        .then(1020, checked(1020, 4.0, Verdict::Fail))
        .then(1080, checked(1080, 5.0, Verdict::Fail))
        .stopped(1100, failed("error_rate is 5 %"))
        .back(1102)
        .then(1180, Event::TrafficReasserted)
        .then(1200, held("b"))
        .then(1210, held("a"))
        .then(1280, Event::CandidateScaledIn)
        .then(1290, Event::Exited { exit })
}

#[test]
#[expect(clippy::disallowed_methods, reason = "how a person asks for new goldens")]
fn the_report_of_a_whole_story_is_as_it_was_reviewed() {
    let page = whole().page();
    for (name, fresh) in [
        ("whole.md", markdown::render(&page)),
        ("whole.html", html::render(&page)),
    ] {
        let place = format!("{}/src/report/goldens/{name}", env!("CARGO_MANIFEST_DIR"));
        if std::env::var_os("UPDATE_GOLDENS").is_some() {
            std::fs::write(&place, &fresh).unwrap();
        }
        let reviewed = std::fs::read_to_string(&place).unwrap_or_default();
        assert!(
            reviewed == fresh,
            "{name} is not as it was reviewed; `UPDATE_GOLDENS=1 cargo test -p tidegate-core report` writes it anew"
        );
    }
}

#[test]
fn a_gate_and_a_requirement_that_was_set_aside_are_told_each_without_the_other() {
    let opened = Event::GateOpened {
        before: GatePhase::Shift,
        expires_at: at(9000),
        plan_hash: PlanHash::of(b"plan"),
    };
    let gated = Story::new().planned().then(20, opened);
    assert!(
        headings(&gated.page()).contains(&"Approvals"),
        "{:?}",
        headings(&gated.page())
    );
    let mut deployment = requested(CANARY);
    deployment.overrides.push(Override {
        what: "quarantine".to_owned(),
        by: "maria".parse().unwrap(),
        reason: "repaired by hand".to_owned(),
    });
    let set_aside = Story::of(deployment).planned();
    assert!(headings(&set_aside.page()).contains(&"Approvals"));
}

#[test]
fn what_a_proposal_was_to_do_is_in_the_report() {
    let mut story = Story::new().planned();
    let effect = |what: &str| crate::change::Effect {
        kind: crate::change::EffectKind::Delete,
        what: what.to_owned(),
    };
    let mut propose = |name: &str, effects| {
        let proposal = crate::change::Proposal::new("arn".to_owned(), effects, Vec::new());
        story
            .deployment
            .proposals
            .insert(ChangeId::of("stack", name), proposal);
    };
    propose("shop", vec![effect("bucket logs")]);
    propose("still", Vec::new());
    let text = markdown::render(&story.page());
    assert!(text.contains("stack:shop was to do: 1 to delete."), "{text}");
    assert_eq!(text.matches("| Resource |").count(), 1);
    assert!(
        text.contains("| - bucket logs |") || text.contains("| \\- bucket logs |"),
        "{text}"
    );
}

#[test]
fn an_image_that_the_sweep_found_is_told_apart() {
    let by = |event_id: &str| {
        let mut deployment = requested(CANARY);
        deployment.origin = crate::deployment::Origin::Push {
            event_id: event_id.to_owned(),
        };
        markdown::render(&Story::of(deployment).page())
    };
    assert!(by("sweep").contains("an image push that the sweep found"));
    assert!(!by("event-7").contains("the sweep found"));
}

#[test]
fn long_waits_and_failed_tries_are_issues_and_short_waits_are_not() {
    let waiting = |reason: &str| Event::Waiting {
        reason: reason.to_owned(),
    };
    let tried = |problem: Option<&str>| Event::HttpTested {
        test: "health".to_owned(),
        tried: crate::http::HttpTry {
            number: 1,
            of: 3,
            status: Some(503),
            millis: 20,
            problem: problem.map(str::to_owned),
        },
    };
    let ended = |state| Event::SuiteEnded {
        suite: suite("smoke"),
        exit_code: state,
        log: Vec::new(),
    };
    let story = Story::new()
        .planned()
        .then(100, waiting("tasks are missing"))
        .then(1300, waiting("one task is missing"))
        .then(1301, tried(Some("its status is 503")))
        .then(1302, tried(None))
        .then(1303, ended(0));
    let text = format!("{:?}", section(&story.page(), "Issues"));
    assert!(text.contains("waited 20 min: tasks are missing"), "{text}");
    assert!(!text.contains("one task is missing"), "{text}");
    assert_eq!(text.matches("HTTP test health").count(), 1, "{text}");
    // While a step bakes, nothing is meant to move.
    let baking = Story::new()
        .planned()
        .at_weight(25)
        .then(120, waiting("it bakes"))
        .then(4000, ended(0));
    assert_eq!(
        section(&baking.page(), "Issues"),
        [Block::Text("None.".to_owned())]
    );
    let last = Story::new().planned().then(100, waiting("for ever"));
    assert_eq!(section(&last.page(), "Issues"), [Block::Text("None.".to_owned())]);
}

#[test]
fn code_is_fenced_by_more_backticks_than_are_in_it_and_odd_addresses_are_no_links() {
    let page = |cell: Cell| Page {
        title: "t".to_owned(),
        facts: vec![("Fact", cell)],
        sections: Vec::new(),
    };
    let text = |cell: Cell| markdown::render(&page(cell));
    assert!(text(Cell::Code("a``b`c".to_owned())).contains("```a``b`c```"));
    assert!(text(Cell::Code("`a".to_owned())).contains("`` `a ``"));
    assert!(text(Cell::Code("a`".to_owned())).contains("`` a` ``"));
    assert!(text(Cell::Link("https://a.example/".to_owned())).contains("<https://a.example/>"));
    assert!(text(Cell::Link("https://a.example/<b".to_owned())).contains("`https://a.example/<b`"));
}

#[test]
fn a_cost_is_told_as_forecast_as_it_runs_and_by_the_bill() {
    use crate::analysis::Verdict;
    use crate::cost::{CostCheck, CostCompared, CostFound, DailyMean, Fleet, Forecast, Money, TaskSize};
    let fleet = |tasks| Fleet {
        tasks,
        size: TaskSize {
            cpu_units: 256,
            memory_mib: 512,
        },
        arm: false,
        monthly: Money::dollars(f64::from(tasks) * 10.0),
    };
    let forecast = Forecast {
        before: Some(fleet(4)),
        after: fleet(5),
        meanwhile: Money::dollars(0.5),
        prices: "prices of the deployment file".to_owned(),
        beyond: vec!["beyond the 20 % more that it may".to_owned()],
    };
    let check = CostCheck {
        verdict: Verdict::Pass,
        fleet: Some(fleet(5)),
        reason: "$50.00 a month, as forecast".to_owned(),
    };
    let mean = |dollars| DailyMean {
        days: 1,
        mean: Money::dollars(dollars),
    };
    let found = CostFound::Days {
        before: mean(1.0),
        after: mean(2.0),
        beyond: None,
    };
    let compared = Box::new(CostCompared {
        found,
        anomalies: Vec::new(),
        unread: None,
    });
    let mut story = Story::new().planned();
    assert!(story.page().sections.iter().all(|one| one.heading != "Cost"));
    story.deployment.plan.as_mut().unwrap().cost = Some(forecast);
    let story = story
        .then(100, Event::CostChecked { check })
        .then(200, Event::CostCompared { compared });
    let text = markdown::render(&story.page());
    let text = text.split_once("Cost").unwrap().1;
    for words in [
        "Before",
        "4 tasks of 0.25 vCPU and 0.5 GB",
        "$50.00 a month, 25 % more than now ($40.00), beyond the 20 % more that it may",
        "As it runs",
        "$2.00 a day (1 day), before $1.00 a day (1 day): 100 % more",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
}
