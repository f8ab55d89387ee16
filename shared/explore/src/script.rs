//! What happens in a run from outside: drawn from a seed, or written by hand. A script is all that a
//! run depends on, so the same script gives the same journal byte for byte, and a failing one can be
//! made smaller item by item.

use std::fmt;

use fastrand::Rng;

use crate::setting::{IMAGES, Ms, Setting};

/// Everything that happens to a target in one run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    /// What the images do when they run, by index.
    pub images: Vec<Image>,
    /// Requests in a minute.
    pub requests: u32,
    /// Whether the alarm is in `ALARM` before anything happens.
    pub alarm_at_start: bool,
    /// Whether everyone who may approve does so as soon as a gate opens.
    pub approves: bool,
    /// From outside, in no order.
    pub stimuli: Vec<Stimulus>,
    /// What goes wrong inside.
    pub faults: Vec<Fault>,
    /// For a while, all goes wrong.
    pub outage: Option<Outage>,
}

/// How a version behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Image {
    /// From start until healthy; absent for one that never is.
    pub startup_ms: Option<Ms>,
    /// Of its answers, 5xx, in thousandths.
    pub errors_permille: u32,
    /// Exit code of the suites.
    pub suite_code: i32,
    /// How long a suite takes.
    pub suite_ms: Ms,
}

impl Image {
    /// One that does everything right.
    pub const GOOD: Self = Self {
        startup_ms: Some(40_000),
        errors_permille: 0,
        suite_code: 0,
        suite_ms: 30_000,
    };
}

/// Something from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stimulus {
    /// When.
    pub at: Ms,
    /// What.
    pub what: What,
}

/// What comes from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// An image is pushed; the event comes so often and so late.
    Push {
        /// Which image.
        image: usize,
        /// Of the event.
        delivery: Delivery,
    },
    /// The alarm goes to `ALARM`.
    Alarm {
        /// Of the event.
        delivery: Delivery,
    },
    /// The alarm goes back to `OK`.
    AlarmClears,
    /// A person approves.
    Approve {
        /// Who.
        person: usize,
        /// For another plan.
        stale: bool,
    },
    /// A person refuses.
    Reject {
        /// Who.
        person: usize,
    },
    /// A person stops what runs.
    Abort,
    /// A person deploys an image by hand, with every override that there is.
    Deploy {
        /// Which image.
        image: usize,
        /// Who.
        person: usize,
    },
    /// A person takes back what runs, or what was completed last.
    TakeBack,
    /// A person stops the running execution in the console of Step Functions.
    StopExecution,
    /// The sweep runs on a machine whose clock is off.
    Sweep {
        /// By so much.
        skew_ms: Ms,
    },
    /// Every task of stable stops; ECS starts them again.
    TasksStop,
    /// A person changes what deployments change, too.
    Meddle {
        /// Which of it, counted round.
        which: u8,
    },
    /// A person sets the candidate's weight in the console of the load balancer.
    Hand {
        /// Of the green slot, percent.
        green: u8,
    },
}

/// How an event comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delivery {
    /// How often; 0 is a lost event.
    pub copies: u8,
    /// How late.
    pub late_ms: Ms,
}

impl Delivery {
    /// Once, soon.
    pub const PROMPT: Self = Self {
        copies: 1,
        late_ms: 300,
    };
}

/// Something that goes wrong at one call of one function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// At the how many-th call of the run.
    pub call: u32,
    /// What.
    pub kind: FaultKind,
}

/// The same goes wrong at every call of every function for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outage {
    /// From the how many-th call of the run.
    pub call: u32,
    /// For so long.
    pub ms: Ms,
    /// What.
    pub kind: FaultKind,
}

/// What goes wrong at a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// The function dies before it.
    CrashBefore,
    /// The function dies after it.
    CrashAfter,
    /// It takes effect and its answer is lost.
    ReplyLost,
    /// It is refused and has no effect.
    Throttled,
    /// The function is held up before it; past its timeout the call is under way and lands late.
    Pause {
        /// How long.
        ms: Ms,
    },
    /// The function's clock is off, from here until its end.
    Skew {
        /// By so much.
        ms: Ms,
    },
}

impl Script {
    /// A run in which all goes well: one push.
    pub fn calm() -> Self {
        Self {
            images: vec![Image::GOOD; IMAGES],
            requests: 1200,
            alarm_at_start: false,
            approves: false,
            stimuli: vec![Stimulus {
                at: 0,
                what: What::Push {
                    image: 1,
                    delivery: Delivery::PROMPT,
                },
            }],
            faults: Vec::new(),
            outage: None,
        }
    }

    /// The most by which any clock is off.
    pub fn most_skew_ms(&self) -> Ms {
        let faults = self.faults.iter().map(|fault| match fault.kind {
            FaultKind::Skew { ms } => ms,
            FaultKind::CrashBefore
            | FaultKind::CrashAfter
            | FaultKind::ReplyLost
            | FaultKind::Throttled
            | FaultKind::Pause { .. } => 0,
        });
        let stimuli = self.stimuli.iter().map(|stimulus| match stimulus.what {
            What::Sweep { skew_ms } => skew_ms,
            What::Push { .. }
            | What::Alarm { .. }
            | What::AlarmClears
            | What::Approve { .. }
            | What::Reject { .. }
            | What::Abort
            | What::Deploy { .. }
            | What::TakeBack
            | What::StopExecution
            | What::TasksStop
            | What::Meddle { .. }
            | What::Hand { .. } => 0,
        });
        faults.chain(stimuli).map(Ms::abs).max().unwrap_or(0)
    }

    /// A run drawn from a seed.
    pub fn draw(seed: u64, setting: &Setting) -> Self {
        let mut rng = Rng::with_seed(seed);
        let mut script = Self::calm();
        for image in &mut script.images {
            *image = draw_image(&mut rng);
        }
        script.images[0] = Image::GOOD;
        script.requests = [0, 6, 60, 1200][one_of(&mut rng, &[1, 1, 3, 15])];
        script.alarm_at_start = rng.u8(0..24) == 0;
        if let Some(Stimulus {
            what: What::Push { delivery, .. },
            ..
        }) = script.stimuli.first_mut()
        {
            *delivery = draw_delivery(&mut rng);
        }
        let more = one_of(&mut rng, &[6, 5, 4, 2, 1]);
        for _ in 0..more {
            let at = rng.i64(0..900_000);
            let what = draw_what(&mut rng);
            script.stimuli.push(Stimulus { at, what });
        }
        if setting.asks() {
            draw_decisions(&mut rng, &mut script.stimuli);
        }
        let faults = one_of(&mut rng, &[6, 6, 4, 2, 1]);
        for _ in 0..faults {
            script.faults.push(draw_fault(&mut rng));
        }
        // From a stream of its own, so that the other seeds keep their script.
        let mut rng = Rng::with_seed(seed ^ 0x6f75_7461);
        if rng.u8(0..16) == 0 {
            script.outage = Some(draw_outage(&mut rng));
        }
        let mut rng = Rng::with_seed(seed ^ 0x7461_736b);
        if rng.u8(0..16) == 0 {
            script.stimuli.push(Stimulus {
                at: rng.i64(0..900_000),
                what: What::TasksStop,
            });
        }
        let mut rng = Rng::with_seed(seed ^ 0x6d65_6464);
        if setting.seldom && rng.u8(0..3) == 0 {
            let most = if rng.bool() { 1_200_000 } else { 120_000 };
            script.stimuli.push(Stimulus {
                at: rng.i64(0..most),
                what: What::Meddle { which: rng.u8(..) },
            });
        }
        script
    }
}

/// An index, by weight.
fn one_of(rng: &mut Rng, weights: &[u32]) -> usize {
    let mut left = rng.u32(0..weights.iter().sum());
    for (index, weight) in weights.iter().enumerate() {
        if left < *weight {
            return index;
        }
        left -= weight;
    }
    0
}

fn draw_image(rng: &mut Rng) -> Image {
    let good = Image::GOOD;
    match one_of(rng, &[12, 3, 2, 2, 1]) {
        1 => Image {
            errors_permille: 80,
            ..good
        },
        2 => Image {
            startup_ms: None,
            ..good
        },
        3 => Image {
            suite_code: 1,
            ..good
        },
        4 => Image {
            startup_ms: Some(400_000),
            suite_ms: 400_000,
            ..good
        },
        _ => Image {
            startup_ms: Some(rng.i64(1_000..90_000)),
            ..good
        },
    }
}

fn draw_delivery(rng: &mut Rng) -> Delivery {
    Delivery {
        copies: [1, 0, 2][one_of(rng, &[8, 1, 2])],
        late_ms: [300, rng.i64(0..5_000), rng.i64(0..400_000)][one_of(rng, &[6, 3, 1])],
    }
}

fn draw_what(rng: &mut Rng) -> What {
    match one_of(rng, &[6, 8, 3, 3, 2, 3, 2, 1, 1]) {
        0 => What::Push {
            image: rng.usize(1..IMAGES),
            delivery: draw_delivery(rng),
        },
        1 => What::Alarm {
            delivery: draw_delivery(rng),
        },
        2 => What::AlarmClears,
        3 => What::Abort,
        4 => What::Deploy {
            image: rng.usize(1..IMAGES),
            person: rng.usize(0..4),
        },
        5 => What::TakeBack,
        6 => What::StopExecution,
        7 => What::Hand {
            green: rng.u8(0..=100),
        },
        _ => What::Sweep {
            skew_ms: draw_skew(rng),
        },
    }
}

fn draw_decisions(rng: &mut Rng, stimuli: &mut Vec<Stimulus>) {
    for _ in 0..rng.u8(2..9) {
        let at = rng.i64(20_000..1_600_000);
        let person = rng.usize(0..4);
        let what = if rng.u8(0..12) == 0 {
            What::Reject { person }
        } else {
            What::Approve {
                person,
                stale: rng.u8(0..8) == 0,
            }
        };
        stimuli.push(Stimulus { at, what });
    }
}

fn draw_fault(rng: &mut Rng) -> Fault {
    let kind = match one_of(rng, &[3, 3, 3, 2, 6, 3]) {
        0 => FaultKind::CrashBefore,
        1 => FaultKind::CrashAfter,
        2 => FaultKind::ReplyLost,
        3 => FaultKind::Throttled,
        4 => FaultKind::Pause {
            ms: rng.i64(50..75_000),
        },
        _ => FaultKind::Skew { ms: draw_skew(rng) },
    };
    Fault {
        call: rng.u32(0..140),
        kind,
    }
}

/// Up to a little longer than `Retry` goes on after throttling.
fn draw_outage(rng: &mut Rng) -> Outage {
    let kinds = [
        FaultKind::CrashBefore,
        FaultKind::CrashAfter,
        FaultKind::ReplyLost,
        FaultKind::Throttled,
    ];
    Outage {
        call: rng.u32(0..140),
        ms: rng.i64(1_000..90_000),
        kind: kinds[rng.usize(0..kinds.len())],
    }
}

/// A step of NTP: seconds to minutes, forward or back.
fn draw_skew(rng: &mut Rng) -> Ms {
    let most = [5_000, 60_000, 240_000][one_of(rng, &[2, 2, 1])];
    rng.i64(-most..=most)
}

/// A time as minutes, seconds and milliseconds since the start.
pub fn shown(at: Ms) -> String {
    format!("{:>3}:{:02}.{:03}", at / 60_000, at / 1000 % 60, at % 1000)
}

impl fmt::Display for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.requests != 1200 {
            writeln!(f, "  traffic: {} requests a minute", self.requests)?;
        }
        if self.alarm_at_start {
            writeln!(f, "  the alarm is in ALARM from the start")?;
        }
        for (index, image) in self.images.iter().enumerate() {
            if *image != Image::GOOD {
                writeln!(f, "  image {index}: {image}")?;
            }
        }
        let mut stimuli = self.stimuli.clone();
        stimuli.sort_by_key(|stimulus| stimulus.at);
        for stimulus in &stimuli {
            writeln!(f, "  {} {}", shown(stimulus.at), stimulus.what)?;
        }
        for fault in &self.faults {
            writeln!(f, "  call {}: {}", fault.call, fault.kind)?;
        }
        if let Some(Outage { call, ms, kind }) = self.outage {
            writeln!(f, "  from call {call} for {ms} ms, at every call: {kind}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.startup_ms {
            Some(ms) => write!(f, "healthy after {} s", ms / 1000)?,
            None => write!(f, "never healthy")?,
        }
        let permille = self.errors_permille;
        write!(f, ", {}.{} % errors", permille / 10, permille % 10)?;
        write!(
            f,
            ", suites end with {} after {} s",
            self.suite_code,
            self.suite_ms / 1000
        )
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Push { image, delivery } => write!(f, "image {image} is pushed{delivery}"),
            Self::Alarm { delivery } => write!(f, "the alarm goes to ALARM{delivery}"),
            Self::AlarmClears => write!(f, "the alarm goes back to OK"),
            Self::Approve { person, stale } => {
                let plan = if *stale { ", for another plan" } else { "" };
                write!(f, "person {person} approves{plan}")
            }
            Self::Reject { person } => write!(f, "person {person} refuses"),
            Self::Abort => write!(f, "a person stops what runs"),
            Self::Deploy { image, person } => write!(f, "person {person} deploys image {image} by hand"),
            Self::TakeBack => write!(f, "a person takes it back"),
            Self::Sweep { skew_ms } => write!(f, "the sweep runs with its clock off by {skew_ms} ms"),
            Self::StopExecution => write!(f, "someone stops the execution in the console"),
            Self::TasksStop => write!(f, "every task of stable stops, ECS starts them again"),
            Self::Meddle { which } => write!(f, "someone changes by hand what deployments change ({which})"),
            Self::Hand { green } => write!(f, "someone gives green {green} % by hand"),
        }
    }
}

impl fmt::Display for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.copies {
            0 => write!(f, " (event lost)"),
            1 if self.late_ms < 1000 => Ok(()),
            1 => write!(f, " (event {} s late)", self.late_ms / 1000),
            copies => write!(f, " (event comes {copies} times, {} s late)", self.late_ms / 1000),
        }
    }
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CrashBefore => write!(f, "the function dies before it"),
            Self::CrashAfter => write!(f, "the function dies after it"),
            Self::ReplyLost => write!(f, "it takes effect, the answer is lost"),
            Self::Throttled => write!(f, "it is throttled"),
            Self::Pause { ms } => write!(f, "the function is held up for {ms} ms before it"),
            Self::Skew { ms } => write!(f, "the function's clock is off by {ms} ms"),
        }
    }
}
