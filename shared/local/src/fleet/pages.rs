//! Pages of the fleet's services, as anybody on the internet sees them.
//!
//! A service answers under `SERVICE.ENVIRONMENT.example.com` by the weights of its listener rule, and under
//! `SLOT.SERVICE.ENVIRONMENT.example.com` from one slot, as with a listener rule for testing. A page says
//! which version made it, in its body and in the header `x-version`.

use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, Ipv4Addr};

use serde::{Deserialize, Serialize};

use super::random::noise;
use super::traffic::Versions;
use super::{Fleet, ImageId};

/// Where names lead that nobody has set.
const ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::new(18, 203, 0, 10));

/// What is special about a name.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Site {
    /// Where it leads; to the load balancer where empty.
    pub addresses: Vec<IpAddr>,
    /// What goes wrong with the next requests, one each.
    pub next: VecDeque<PageFault>,
    /// What goes wrong with all that follow.
    pub always: Option<PageFault>,
}

/// What goes wrong with a page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum PageFault {
    /// It is answered with this status and text.
    Status(u16, String),
    /// It says that another version made it.
    Version(String),
    /// It sends whoever asks to another place.
    Redirect(String),
    /// It takes so many seconds.
    Slow(u32),
}

/// A page.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PageAnswer {
    /// Its status.
    pub status: u16,
    /// Its headers.
    pub headers: Vec<(String, String)>,
    /// Its text.
    pub body: String,
    /// Seconds that it takes.
    pub seconds: u32,
}

/// What a name stands for.
struct Place<'a> {
    service: &'a str,
    environment: &'a str,
    slot: Option<&'a str>,
}

impl<'a> Place<'a> {
    fn named(host: &'a str) -> Option<Self> {
        let name = host.strip_suffix(".example.com")?;
        let labels: Vec<&str> = name.split('.').collect();
        match labels[..] {
            [service, environment] => Some(Self {
                service,
                environment,
                slot: None,
            }),
            [slot @ ("blue" | "green"), service, environment] => Some(Self {
                service,
                environment,
                slot: Some(slot),
            }),
            _ => None,
        }
    }

    fn target_group(&self, slot: &str) -> String {
        format!("{}-{}{slot}", self.service, self.environment)
    }
}

impl Fleet {
    /// Where a name leads; nothing where there is no such name.
    pub fn resolve(&self, host: &str) -> Option<Vec<IpAddr>> {
        let set = self.sites.get(host).map(|site| &site.addresses);
        if let Some(addresses) = set.filter(|addresses| !addresses.is_empty()) {
            return Some(addresses.clone());
        }
        let place = Place::named(host)?;
        let slots = ["-blue", "-green", ""];
        let known = slots
            .iter()
            .any(|slot| self.target_group_arn(&place.target_group(slot)).is_some());
        known.then(|| vec![ADDRESS])
    }

    /// Answers a request for a page.
    pub fn page(&mut self, host: &str) -> PageAnswer {
        let fault = self.sites.get_mut(host).and_then(|site| {
            let next = site.next.pop_front();
            next.or_else(|| site.always.clone())
        });
        self.pages = self.pages.wrapping_add(1);
        match fault {
            Some(PageFault::Status(status, body)) => PageAnswer {
                status,
                body,
                ..PageAnswer::default()
            },
            Some(PageFault::Redirect(to)) => PageAnswer {
                status: 302,
                headers: vec![("location".to_owned(), to)],
                ..PageAnswer::default()
            },
            Some(PageFault::Version(version)) => said(200, &version),
            Some(PageFault::Slow(seconds)) => PageAnswer {
                seconds,
                ..self.served_page(host)
            },
            None => self.served_page(host),
        }
    }

    /// What the version answers that gets the request.
    fn served_page(&self, host: &str) -> PageAnswer {
        let Some((group, share)) = self.group_behind(host) else {
            return said(503, "none");
        };
        let versions: Versions = self.versions_behind(&group);
        let healthy: u64 = versions.iter().map(|(_, targets)| *targets).sum();
        let mut at = self.drawn(host, healthy);
        for (image, targets) in versions {
            if at < targets {
                return self.page_of(host, &group, share, image.as_ref());
            }
            at -= targets;
        }
        said(503, "none")
    }

    /// The target group that a request goes to, and its share of the traffic in percent.
    fn group_behind(&self, host: &str) -> Option<(String, f64)> {
        let place = Place::named(host)?;
        let arn = |slot: &str| self.target_group_arn(&place.target_group(slot));
        let any = arn("-blue").or_else(|| arn(""))?;
        let rule = self.rules.get(self.rule_of_target_group(any)?)?;
        let total: u64 = rule.forwards().iter().map(|one| u64::from(one.weight)).sum();
        let share = |weight: u16| f64::from(weight) * 100.0 / (total.max(1) as f64);
        if let Some(slot) = place.slot {
            let group = arn(&format!("-{slot}"))?;
            let weight = rule.forwards().iter().find(|one| one.target_group == group);
            return Some((group.to_owned(), share(weight.map_or(0, |one| one.weight))));
        }
        let mut at = self.drawn(host, total);
        for one in rule.forwards() {
            let weight = u64::from(one.weight);
            if at < weight {
                return Some((one.target_group.clone(), share(one.weight)));
            }
            at -= weight;
        }
        None
    }

    fn page_of(&self, host: &str, group: &str, share: f64, image: Option<&ImageId>) -> PageAnswer {
        let behaviour = self.behaviour(image);
        let exposed = image.and_then(|id| self.target_groups.get(group)?.exposed.get(&id.digest));
        let seconds = exposed.map(|since| self.now().duration_since(*since).as_secs());
        let luck = noise(self.seed, host, self.pages.cast_signed()) * 100.0;
        let errs = behaviour.errs(share, seconds) && luck < behaviour.error_percent;
        let tag = image.and_then(|id| {
            let image = self.repositories.get(&id.repository)?.images.get(&id.digest)?;
            image.tags.last()
        });
        said(
            if errs { 500 } else { 200 },
            tag.map_or("unknown", String::as_str),
        )
    }

    /// A number below `below` that each request draws anew.
    fn drawn(&self, host: &str, below: u64) -> u64 {
        let luck = noise(self.seed ^ 0x5eed, host, self.pages.cast_signed());
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "counts far below 2^53, from 0 to below 1"
        )]
        let drawn = (luck * below as f64) as u64;
        drawn
    }
}

fn said(status: u16, version: &str) -> PageAnswer {
    let state = if status == 200 { "ok" } else { "failing" };
    PageAnswer {
        status,
        headers: vec![("x-version".to_owned(), version.to_owned())],
        body: serde_json::json!({ "status": state, "version": version }).to_string(),
        seconds: 0,
    }
}

/// Names that something is special about.
pub(super) type Sites = BTreeMap<String, Site>;
