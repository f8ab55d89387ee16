use super::*;
use crate::analysis::Verdict;
use crate::spec::Cost;
use crate::testing::*;

const NO_LIMITS: &str = "cost: {}\n";

fn asked(section: &str) -> Cost {
    let file = format!("{ROLLING}{section}");
    crate::spec::parse("deploy.yaml", &file)
        .unwrap()
        .spec
        .cost
        .unwrap()
}

fn tasks(count: u32, cpu_units: u32) -> TasksSeen {
    TasksSeen {
        size: size(cpu_units),
        count,
        arm: true,
        spot: false,
        elsewhere: None,
        most: None,
    }
}

const fn size(cpu_units: u32) -> Option<TaskSize> {
    Some(TaskSize {
        cpu_units,
        memory_mib: cpu_units * 2,
    })
}

fn seen(model: TasksSeen, copied: u32) -> CostSeen {
    CostSeen {
        tasks: BTreeMap::from([(Slot::Blue, model)]),
        copied: BTreeMap::from([(Slot::Blue, size(copied))]),
    }
}

const SLOTS: (Option<Slot>, Slot) = (Some(Slot::Blue), Slot::Green);

#[test]
fn money_is_read_and_shown_to_the_cent() {
    for (text, micros) in [
        ("12.3456789012", 12_345_678),
        ("0", 0),
        ("-3.5", -3_500_000),
        ("4.2E-5", 42),
        ("4.2E-8", 0),
        ("1.5e3", 1_500_000_000),
    ] {
        assert_eq!(Money::parse(text), Some(Money::micros(micros)), "{text}");
    }
    for text in [
        "",
        "-",
        "1,5",
        "1.2.3",
        "E5",
        "1E",
        "99999999999999999999",
        "1E30",
    ] {
        assert_eq!(Money::parse(text), None, "{text}");
    }
    let shown = |micros| Money::micros(micros).to_string();
    assert_eq!(
        [
            shown(0),
            shown(1_234_565_000),
            shown(4_999),
            shown(5_000),
            shown(-995_000)
        ],
        ["$0.00", "$1234.57", "$0.0050", "$0.01", "-$1.00"]
    );
    assert_eq!(Money::dollars(0.004_445), Money::micros(4_445));
}

#[test]
fn parts_of_an_amount_are_rounded_to_the_nearest_millionth() {
    assert_eq!(Money::micros(5).scaled(1, 2), Money::micros(3));
    assert_eq!(Money::micros(-5).scaled(1, 2), Money::micros(-3));
    assert_eq!(Money::micros(4).scaled(1, 3), Money::micros(1));
    assert_eq!(Money::micros(i64::MAX).scaled(10, 1), Money::micros(i64::MAX));
    let against = |now, before| Money::micros(now).against(Money::micros(before));
    assert_eq!(against(1125, 1000).as_deref(), Some("12.5 % more"));
    assert_eq!(against(970, 1000).as_deref(), Some("3 % less"));
    assert_eq!(against(1000, 1000).as_deref(), Some("the same"));
    assert_eq!(against(1000, 0), None);
}

#[test]
fn a_month_costs_what_the_list_says_of_vcpu_and_memory() {
    let forecast = forecast(&asked(NO_LIMITS), &seen(tasks(4, 256), 512), SLOTS, 4, &[]).unwrap();
    // 0.25 vCPU and 0.5 GB on ARM: (0.25 * 0.03238 + 0.5 * 0.00356) * 730.
    assert_eq!(
        forecast.before.as_ref().unwrap().monthly,
        Money::micros(4 * 7_208_750)
    );
    assert_eq!(forecast.after.monthly, Money::micros(8 * 7_208_750));
    assert_eq!(
        forecast.describe(),
        "$57.67 a month, 100 % more than now ($28.84); the deployment itself about $0.00 (4 tasks of 0.5 vCPU and 1 GB \
         (ARM), now 4 tasks of 0.25 vCPU and 0.5 GB (ARM); vCPU and memory alone, at list prices of us-east-1, March 2026)"
    );
    let x86 = TasksSeen {
        arm: false,
        spot: true,
        ..tasks(1, 1024)
    };
    let forecast = super::forecast(&asked(NO_LIMITS), &seen(x86, 1024), SLOTS, 1, &[]).unwrap();
    assert_eq!(forecast.after.monthly, Money::micros(36_040_100));
    assert!(
        forecast.summary().contains("the same as now"),
        "{}",
        forecast.summary()
    );
    assert!(
        forecast.prices.ends_with("Spot counted as on demand"),
        "{}",
        forecast.prices
    );
}

#[test]
fn what_runs_beside_each_other_costs_the_deployment_itself() {
    let own = asked("cost: {prices: {vcpuHour: 1, gbHour: 0}}\n");
    let beside = |candidate, tasks, seconds| Stretch {
        candidate,
        tasks,
        seconds,
    };
    let both = [beside(true, 2, 3600), beside(false, 4, 1800)];
    let of = |slots| super::forecast(&own, &seen(tasks(4, 1024), 2048), slots, 2, &both).unwrap();
    // Two of 2 vCPU for an hour, four of 1 vCPU for half of one; without a stable revision only the former.
    assert_eq!(of(SLOTS).meanwhile, Money::micros(6_000_000));
    let first = of((None, Slot::Blue));
    assert_eq!((first.meanwhile, first.before), (Money::micros(4_000_000), None));
    assert_eq!(first.prices, "prices of the deployment file");
}

#[test]
fn what_has_no_price_has_no_forecast() {
    let ec2 = TasksSeen {
        elsewhere: Some("on EC2".to_owned()),
        ..tasks(1, 256)
    };
    let none = forecast(&asked(NO_LIMITS), &seen(ec2.clone(), 256), SLOTS, 1, &[]);
    assert_eq!(
        none.unwrap_err(),
        "its tasks run on EC2, for which there is no list price"
    );
    let own = asked("cost: {prices: {vcpuHour: 0.02, gbHour: 0.002}}\n");
    assert!(forecast(&own, &seen(ec2, 256), SLOTS, 1, &[]).is_ok());
    let no_size = TasksSeen {
        size: None,
        ..tasks(1, 256)
    };
    let none = forecast(&own, &seen(no_size, 256), SLOTS, 1, &[]);
    assert!(none.unwrap_err().contains("how much CPU"));
    let none = forecast(&own, &CostSeen::default(), SLOTS, 1, &[]);
    assert_eq!(none.unwrap_err(), "its tasks could not be read");
}

#[test]
fn a_limit_is_what_it_may_cost_and_not_a_cent_more() {
    let beyond = |section: &str, copied| {
        let found = forecast(&asked(section), &seen(tasks(4, 1000), copied), SLOTS, 4, &[]);
        found.unwrap().beyond
    };
    assert_eq!(beyond("cost: {maxIncrease: 20%}\n", 1200), [""; 0]);
    assert_eq!(
        beyond("cost: {maxIncrease: 20%}\n", 1201),
        ["beyond the 20 % more that it may"]
    );
    assert_eq!(beyond("cost: {maxIncrease: 0%}\n", 1000), [""; 0]);
    let both = beyond("cost: {maxIncrease: 0%, maxMonthly: 5.5}\n", 1001);
    assert_eq!(both.len(), 2);
    assert_eq!(both[1], "beyond the $5.50 that it may");
    // Nothing to compare with.
    let first = forecast(
        &asked("cost: {maxIncrease: 0%}\n"),
        &seen(tasks(0, 256), 512),
        (None, Slot::Blue),
        4,
        &[],
    );
    assert_eq!(first.unwrap().beyond, [""; 0]);
}

#[test]
fn what_runs_fails_only_beyond_both_a_limit_and_the_forecast() {
    let limited = asked("cost: {maxIncrease: 50%}\n");
    let planned = forecast(&limited, &seen(tasks(4, 256), 256), SLOTS, 4, &[]).unwrap();
    let verdict = |count| check(&limited, &planned, &tasks(count, 256)).verdict;
    assert_eq!(
        (verdict(4), verdict(6), verdict(7)),
        (Verdict::Pass, Verdict::Pass, Verdict::Fail)
    );
    // People have agreed to the double.
    let agreed = forecast(&limited, &seen(tasks(4, 256), 512), SLOTS, 4, &[]).unwrap();
    assert!(!agreed.beyond.is_empty());
    let passed = check(&limited, &agreed, &tasks(4, 512));
    assert_eq!(passed.verdict, Verdict::Pass);
    assert!(
        passed.reason.contains("a month, as forecast: 4 tasks"),
        "{}",
        passed.reason
    );
    assert_eq!(check(&limited, &agreed, &tasks(5, 512)).verdict, Verdict::Fail);
    let scaled = TasksSeen {
        most: Some(10),
        ..tasks(5, 256)
    };
    assert_eq!(
        check(&limited, &planned, &scaled).reason,
        "$36.04 a month, 25 % more than forecast: 5 tasks of 0.25 vCPU and 0.5 GB (ARM); autoscaling may make 10 of them: \
         $72.09 a month"
    );
    let moved = TasksSeen {
        elsewhere: Some("on EC2".to_owned()),
        ..tasks(4, 256)
    };
    let unknown = check(&limited, &planned, &moved);
    assert_eq!((unknown.verdict, unknown.fleet), (Verdict::Inconclusive, None));
}

mod by_the_bill {
    use jiff::Timestamp;
    use jiff::civil::{Date, date};

    use super::*;
    use crate::deployment::Deployment;

    const SECTION: &str =
        "watch: {for: 24h}\ncost: {maxIncrease: 20%, explorer: {tag: {key: service, value: web}}}\n";

    /// 2026-03-10 at ten o'clock.
    fn completed() -> Timestamp {
        "2026-03-10T10:00:00Z".parse().unwrap()
    }

    fn later(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn deployment() -> Deployment {
        let mut deployment = planned(&format!("{ROLLING}{SECTION}"));
        deployment.planned_at = Some(later("2026-03-09T23:00:00Z"));
        deployment
    }

    fn day(day: Date, dollars: i64) -> Daily {
        Daily {
            day,
            cost: Money::micros(dollars * 1_000_000),
        }
    }

    fn read(days: Vec<Daily>) -> CostRead {
        CostRead {
            days: Some(Ok(days)),
            anomalies: None,
        }
    }

    #[test]
    fn only_whole_days_that_are_known_are_asked_for() {
        let days = |now: &str| days_of(&deployment(), completed(), later(now));
        let first = days("2026-03-11T10:00:00Z");
        assert_eq!(
            (first.from, first.began, first.after),
            (date(2026, 3, 2), date(2026, 3, 9), date(2026, 3, 11))
        );
        assert!(!first.any_after() && !days("2026-03-12T23:59:59Z").any_after());
        let known = days("2026-03-13T00:00:00Z");
        assert!(known.any_after());
        assert_eq!(known.until, date(2026, 3, 12));
    }

    #[test]
    fn a_mean_is_of_days_with_costs_and_the_days_of_the_deployment_count_for_neither() {
        let days = vec![
            day(date(2026, 3, 7), 0),
            day(date(2026, 3, 8), 10),
            day(date(2026, 3, 9), 99),
            day(date(2026, 3, 10), 99),
            day(date(2026, 3, 11), 12),
        ];
        let now = later("2026-03-13T00:01:00Z");
        let same = compare(&deployment(), completed(), read(days.clone()), 2, now);
        assert_eq!(
            same.describe(),
            "$12.00 a day (1 day), before $10.00 a day (1 day): 20 % more"
        );
        assert!(!same.is_unusual() && same.again_at().is_none());
        let mut more = days;
        more[4].cost = Money::micros(12_010_000);
        let more = compare(&deployment(), completed(), read(more), 2, now);
        assert!(
            more.describe()
                .ends_with("more, beyond the 20 % more that it may")
        );
        assert!(more.is_unusual());
    }

    #[test]
    fn what_is_not_known_is_said_to_be_so_and_asked_again_for_a_while() {
        let at_end = later("2026-03-11T10:00:00Z");
        let early = compare(&deployment(), completed(), CostRead::default(), 1, at_end);
        assert_eq!(early.again_at(), Some(later("2026-03-13T00:00:00Z")));
        assert!(
            early
                .describe()
                .starts_with("not known: Cost Explorer has no whole day after it"),
            "{}",
            early.describe()
        );
        let next = CostWatch::next(&deployment(), completed(), &early, 1, at_end).unwrap();
        assert_eq!((next.due_at, next.asked), (later("2026-03-13T00:00:00Z"), 1));
        let now = later("2026-03-13T00:01:00Z");
        let before = vec![day(date(2026, 3, 8), 10), day(date(2026, 3, 11), 0)];
        let none = |asked| compare(&deployment(), completed(), read(before.clone()), asked, now);
        assert_eq!(none(3).again_at(), Some(later("2026-03-14T00:01:00Z")));
        assert_eq!(none(4).again_at(), None);
        assert!(
            none(4)
                .describe()
                .ends_with("of that tag after it; not asked again")
        );
        assert_eq!(
            CostWatch::next(&deployment(), completed(), &none(4), 4, now),
            None
        );
        let refused = CostRead {
            days: Some(Err("AccessDenied".to_owned())),
            anomalies: Some(Err("AccessDenied".to_owned())),
        };
        let refused = compare(&deployment(), completed(), refused, 2, now);
        assert!(refused.again_at().is_some());
        assert!(
            refused
                .describe()
                .ends_with("anomalies could not be read: AccessDenied")
        );
        let new = compare(
            &deployment(),
            completed(),
            read(vec![day(date(2026, 3, 11), 7)]),
            2,
            now,
        );
        assert_eq!(
            new.describe(),
            "not known: $7.00 a day (1 day), and none of that tag in the week before; not asked again"
        );
    }

    #[test]
    fn the_dearest_anomalies_are_told_first() {
        let anomaly = |dollars: i64| CostAnomaly {
            since: "2026-03-10".to_owned(),
            what: "ECS".to_owned(),
            impact: Money::micros(dollars * 1_000_000),
        };
        let read = CostRead {
            days: None,
            anomalies: Some(Ok((1..=7).map(anomaly).collect())),
        };
        let compared = compare(&deployment(), completed(), read, 1, later("2026-03-11T10:00:00Z"));
        assert_eq!(compared.anomalies.len(), 5);
        assert!(compared.is_unusual());
        assert!(
            compared
                .describe()
                .contains("; anomaly since 2026-03-10: ECS, $7.00 more than expected so far; anomaly")
        );
    }
}
