//! A person with a console who changes what a deployment changes, too.

use tidegate_core::change::index::{IndexDefinition, IndexTo, IndexWork, Projection};
use tidegate_core::change::{Monitored, StoredText, indexes};
use tidegate_core::ids::ChangeId;

use crate::aws::Aws;
use crate::setting::{Ms, Setting};
use crate::tables::some_definition;

/// It takes so long to make or delete an index that a person changes.
const INDEX_MS: Ms = 30_000;

/// What a person can put their hands on.
enum Touch<'a> {
    Parameter(&'a str),
    Flags,
    Index(&'a IndexWork),
    Dashboard(String),
    Alarm(&'a str),
    Scaling(&'a str),
}

fn touches(setting: &Setting) -> Vec<Touch<'_>> {
    let spec = &setting.spec;
    let parameters = spec.configuration.parameters.iter();
    let parameters = parameters.map(|one| Touch::Parameter(&one.name));
    let flags = spec.configuration.flags.iter().map(|_| Touch::Flags);
    let board = spec.monitoring.iter().filter(|one| one.dashboard);
    let board = board.map(|_| Touch::Dashboard(setting.dashboard()));
    let alarms = setting.made_alarms.iter().map(|name| Touch::Alarm(name));
    let services = setting.wiring.services.values();
    let scaling = services.filter(|_| spec.prepare.suspend_autoscaling);
    parameters
        .chain(flags)
        .chain(indexes(spec).map(Touch::Index))
        .chain(board)
        .chain(alarms)
        .chain(scaling.map(|service| Touch::Scaling(service)))
        .collect()
}

impl Aws {
    /// One of the things that deployments change is changed by hand; nothing where they change none.
    pub fn meddle(&mut self, setting: &Setting, which: usize, now: Ms) {
        let touches = touches(setting);
        let Some(touch) = touches.get(which % touches.len().max(1)) else {
            return;
        };
        self.meddling = true;
        match touch {
            Touch::Parameter(name) => self.set_parameter(name, Some("by hand".to_owned()), now),
            Touch::Flags => {
                if let Some(flags) = &setting.spec.configuration.flags {
                    self.deploy_flags(Some(usize::MAX), BY_HAND.to_owned(), &flags.work, now);
                }
            }
            Touch::Index(work) => self.meddle_with_index(work, now),
            Touch::Dashboard(name) => {
                let body = StoredText("{\"by\":\"hand\"}".to_owned());
                self.watchers.put(name, &Monitored::Dashboard { body });
                let id = ChangeId::of("dashboard", name);
                self.note_setting(&id, self.watchers.told(name), now);
            }
            Touch::Alarm(name) => {
                self.watchers.remove(name);
                self.note_setting(&ChangeId::of("alarm", name), None, now);
            }
            Touch::Scaling(service) => {
                let id = ChangeId::of("autoscaling", service);
                if self.suspended.remove(&id) {
                    self.note_setting(&id, Some("on".to_owned()), now);
                }
            }
        }
        self.meddling = false;
    }

    /// One that is there is deleted; where there is none another one of its name is made.
    fn meddle_with_index(&mut self, work: &IndexWork, now: Ms) {
        let other = IndexWork {
            to: IndexTo::Added {
                definition: IndexDefinition {
                    projection: Projection::KeysOnly,
                    ..some_definition()
                },
                capacity: None,
            },
            ..work.clone()
        };
        let value = match self.tables.delete(work, INDEX_MS, now) {
            true => None,
            false if self.tables.ask(&other, INDEX_MS, now) => Some("by hand".to_owned()),
            false => return,
        };
        self.note_setting(&ChangeId::of("index", &work.title()), value, now);
    }
}

/// Flags as a person has stored them.
const BY_HAND: &str = r#"{"version":"1","flags":{"by-hand":{"name":"by-hand"}},"values":{}}"#;
