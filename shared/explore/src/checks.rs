//! What validate looks at beside suites that are tasks: functions, security, cost.

use tidegate_core::cost::{CostSeen, TaskSize, TasksSeen};
use tidegate_core::deployment::Deployment;
use tidegate_core::ids::Slot;
use tidegate_core::release::SuiteCounts;
use tidegate_core::security::SecuritySeen;
use tidegate_core::suite::{SuiteAnswer, SuiteCalled, SuiteReport};

use crate::aws;
use crate::script::Image;
use crate::setting::{Ms, index};
use crate::world::World;

/// Images whose suites take longer answer a call of a function never.
const TOO_LONG_MS: Ms = 100_000;

/// Tasks of images that take longer to start are larger than their task definition said.
const SLOW_START_MS: Ms = 60_000;

/// What the file asks for.
const SIZE: TaskSize = TaskSize {
    cpu_units: 1024,
    memory_mib: 2048,
};

impl World {
    /// How the image of a deployment behaves.
    pub fn image_of(&self, deployment: &Deployment) -> Image {
        let digest = &deployment.revision.digest;
        let image = self.setting.digests.iter().position(|known| known == digest);
        self.script.images[image.unwrap_or(0)]
    }

    /// What a suite that is a function answers; nothing where its answer is lost. Lambda does not take every
    /// fourth call.
    pub fn suite_answer(&self, deployment: &Deployment, attempt: u32) -> Option<SuiteAnswer> {
        let image = self.image_of(deployment);
        let failed = u32::from(image.suite_code != 0);
        let result = match (self.now / 1000 % 4, image.suite_ms) {
            (0, _) => SuiteCalled::NotRun {
                reason: "too many calls".to_owned(),
            },
            (_, TOO_LONG_MS..) => return None,
            (..) => SuiteCalled::Answered {
                report: SuiteReport {
                    counts: SuiteCounts {
                        passed: 3,
                        failed,
                        skipped: 0,
                    },
                    ..SuiteReport::default()
                },
            },
        };
        Some(SuiteAnswer { attempt, result })
    }

    /// Tasks of images that answer with errors have public addresses, too.
    pub fn observe_security(&self, deployment: &Deployment) -> SecuritySeen {
        SecuritySeen {
            public_ip: self.image_of(deployment).errors_permille > 0,
            ..SecuritySeen::default()
        }
    }

    /// Tasks as far as they cost something; nothing where the file does not ask. Once they run, those of some
    /// images are larger.
    pub fn observe_cost(&self, deployment: &Deployment) -> Option<CostSeen> {
        deployment.spec.cost.as_ref()?;
        let slots = || aws::slots(&self.setting);
        let larger = |slot: Slot| {
            let service = &self.aws.services[index(slot)];
            let image = self.script.images[self.aws.image_of(service)];
            image.startup_ms.is_some_and(|ms| ms > SLOW_START_MS)
        };
        let seen = |slot: Slot| TasksSeen {
            size: Some(TaskSize {
                cpu_units: SIZE.cpu_units * if larger(slot) { 4 } else { 1 },
                ..SIZE
            }),
            count: self.aws.services[index(slot)].desired,
            arm: false,
            spot: false,
            elsewhere: None,
            most: None,
        };
        Some(CostSeen {
            tasks: slots().map(|slot| (slot, seen(slot))).collect(),
            copied: slots().map(|slot| (slot, Some(SIZE))).collect(),
        })
    }
}
