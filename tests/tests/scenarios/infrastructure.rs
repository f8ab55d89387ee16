//! What a person makes by hand, and how data stores are set up, looked at before the new revision gets traffic.

use std::collections::BTreeMap;

use jiff::Timestamp;
use tidegate_core::exit::ExitState;
use tidegate_local::endpoints::Fault;
use tidegate_local::faults::CallFate;
use tidegate_local::fleet::{Behaviour, Database, DatabaseSettings, ServiceIndex, ServiceTable};
use tidegate_tests::Scene;
use tidegate_tests::files::SHORT;

use crate::scenario;

const TARGET: &str = "web/production";

/// A table and a repository that a person sets up, and what should be there anyway.
const VERIFY: &str = "\
infrastructure:
  verify:
    - dynamodbTable: {name: orders, billingMode: PAY_PER_REQUEST, pointInTimeRecovery: true, indexes: [by-customer]}
    - ecrRepository: {name: web, scanOnPush: true}
    - ecsService: {name: web-green, launchType: FARGATE, publicIp: false}
    - targetGroup: {name: web-production-green, protocol: HTTP, port: 8080}
    - alarm: {name: web-production-green-error-rate, threshold: 1, comparison: GreaterThanThreshold}
  timeout: 1h
";

fn file() -> String {
    format!("{SHORT}{VERIFY}")
}

/// What is in the console: the table with its index, and whether images are scanned.
fn console(scene: &Scene, table: Option<ServiceTable>, scan: bool) {
    scene.cloud(|state| {
        if let Some(table) = table {
            state.fleet.service_tables.insert("orders".to_owned(), table);
        }
        state.fleet.create_repository("web");
        state.fleet.set_repository("web", scan, false);
    });
}

fn table(recovery: bool, built: bool) -> Option<ServiceTable> {
    let mut index = ServiceIndex::by("customer");
    if !built {
        index.active_from = Timestamp::MAX;
    }
    Some(ServiceTable {
        on_demand: true,
        point_in_time_recovery: recovery,
        indexes: BTreeMap::from([("by-customer".to_owned(), index)]),
        ..ServiceTable::default()
    })
}

#[test]
fn infrastructure_that_is_as_the_file_says_holds_nothing_up() {
    scenario(
        "infrastructure-that-is-as-the-file-says-holds-nothing-up",
        "Table, repository, service, target group and alarm are looked at once, and found as they should be.",
        async |scene| {
            scene.given(TARGET, 5, &file()).await;
            console(scene, table(true, true), true);
            scene.push('2', Behaviour::default());
            scene.runs(TARGET, ExitState::Completed).await;
        },
    );
}

#[test]
fn a_person_applies_what_differs_and_the_deployment_goes_on() {
    scenario(
        "a-person-applies-what-differs-and-the-deployment-goes-on",
        "Each time the person has made a part of it, the journal says what is left.",
        async |scene| {
            scene.given(TARGET, 5, &file()).await;
            console(scene, None, false);
            scene.push('2', Behaviour::default());
            let id = scene.started(TARGET).await;
            scene.waits_for(&id, "orders does not exist").await;
            scene.wait(600).await;
            console(scene, table(false, false), true);
            scene.waits_for(&id, "not active").await;
            scene.wait(300).await;
            console(scene, table(true, true), true);
            scene.ends(&id, ExitState::Completed).await;
        },
    );
}

#[test]
fn infrastructure_that_nobody_applies_stops_the_deployment() {
    scenario(
        "infrastructure-that-nobody-applies-stops-the-deployment",
        "After an hour the deployment ends with what still differs, and nothing had traffic.",
        async |scene| {
            scene.given(TARGET, 5, &file()).await;
            console(scene, table(false, true), true);
            scene.push('2', Behaviour::default());
            scene.runs(TARGET, ExitState::Aborted).await;
        },
    );
}

#[test]
fn an_alarm_after_infrastructure_was_verified_has_nothing_of_it_to_undo() {
    scenario(
        "an-alarm-after-infrastructure-was-verified-has-nothing-of-it-to-undo",
        "Tidegate only looked, so what the person made stays.",
        async |scene| {
            scene.given(TARGET, 5, &file()).await;
            console(scene, table(true, true), true);
            scene.push('2', Behaviour::failing(20.0, 20));
            scene.runs(TARGET, ExitState::RolledBack).await;
        },
    );
}

#[test]
fn a_look_at_infrastructure_that_is_throttled_is_no_difference() {
    scenario(
        "a-look-at-infrastructure-that-is-throttled-is-no-difference",
        "The function fails until DynamoDB answers, and goes on where it was.",
        async |scene| {
            scene.given(TARGET, 5, &file()).await;
            console(scene, table(true, true), true);
            scene.cloud(|state| {
                let operation = "DescribeContinuousBackups";
                state.faults.fail(operation, Fault::throttling(), 8);
            });
            scene.push('2', Behaviour::default());
            scene.runs(TARGET, ExitState::Completed).await;
        },
    );
}

#[test]
fn an_abort_ends_the_wait_for_a_person() {
    scenario(
        "an-abort-ends-the-wait-for-a-person",
        "Nobody makes the table: olaf stops the deployment, and there is nothing to undo.",
        async |scene| {
            scene.given(TARGET, 5, &file()).await;
            console(scene, None, true);
            scene.push('2', Behaviour::default());
            let id = scene.started(TARGET).await;
            scene.waits_for(&id, "orders does not exist").await;
            scene.stop("olaf", "abort", &id).await.unwrap();
            scene.ends(&id, ExitState::Aborted).await;
        },
    );
}

/// What is asked of whatever keeps data: nobody reaches it from outside, reads its disks, or loses it.
const STORES: &str = "\
infrastructure:
  verify:
    - database:
        name: web-db
        status: available
        engine: postgres
        engineVersion: 16
        encrypted: true
        publiclyAccessible: false
        multiAz: true
        deletionProtection: true
        backupRetention: 7d
    - databaseCluster: {name: web-cluster, encrypted: true, publiclyAccessible: false, deletionProtection: true, backupRetention: 7d}
    - dynamodbTable: {name: orders, pointInTimeRecovery: true, deletionProtection: true, encryption: KMS}
  timeout: 1h
";

/// A database, a cluster of one instance, and a table, as they are set up.
fn stores(scene: &Scene, database: DatabaseSettings, public_in_cluster: bool, table: ServiceTable) {
    let of = |settings: DatabaseSettings| Database {
        settings,
        ..Database::default()
    };
    let within = DatabaseSettings {
        cluster: Some("web-cluster".to_owned()),
        public: public_in_cluster,
        ..DatabaseSettings::default()
    };
    scene.cloud(|state| {
        let fleet = &mut state.fleet;
        fleet.databases.insert("web-db".to_owned(), of(database));
        fleet.databases.insert("web-cluster-1".to_owned(), of(within));
        let cluster = of(DatabaseSettings::default());
        fleet
            .clusters_of_databases
            .insert("web-cluster".to_owned(), cluster);
        fleet.service_tables.insert("orders".to_owned(), table);
    });
}

fn safe_table() -> ServiceTable {
    ServiceTable {
        point_in_time_recovery: true,
        deletion_protection: true,
        kms_key: Some("arn:aws:kms:us-east-1:123456789012:key/1a2b3c".to_owned()),
        ..ServiceTable::default()
    }
}

async fn given_stores(scene: &Scene) {
    scene.given(TARGET, 5, &format!("{SHORT}{STORES}")).await;
}

#[test]
fn data_stores_that_are_safe_hold_nothing_up() {
    scenario(
        "data-stores-that-are-safe-hold-nothing-up",
        "The database, the cluster with its instance and the table are looked at, by a function that dies on the way.",
        async |scene| {
            given_stores(scene).await;
            stores(scene, DatabaseSettings::default(), false, safe_table());
            scene.cloud(|state| {
                let killed = ("infrastructure", "DescribeDBClusters", CallFate::KillAfter);
                state.faults.numbered.next.push(killed);
            });
            scene.push('2', Behaviour::default());
            scene.runs(TARGET, ExitState::Completed).await;
        },
    );
}

#[test]
fn a_database_that_is_open_to_the_internet_gets_no_new_revision() {
    scenario(
        "a-database-that-is-open-to-the-internet-gets-no-new-revision",
        "Everything that is wrong is told at once; a person closes it, and the deployment goes on.",
        async |scene| {
            given_stores(scene).await;
            let open = DatabaseSettings {
                kms_key: None,
                public: true,
                multi_az: false,
                retention_days: 1,
                version: "15.8".to_owned(),
                ..DatabaseSettings::default()
            };
            let table = ServiceTable {
                kms_key: None,
                ..safe_table()
            };
            stores(scene, open, true, table);
            scene.push('2', Behaviour::default());
            let id = scene.started(TARGET).await;
            for wrong in [
                "database web-db: publiclyAccessible is true, not false",
                "database web-db: encrypted is false, not true",
                "database web-db: engineVersion is 15.8, not 16",
                "database web-db: backupRetention is 1 d, not at least 7 d",
                "databaseCluster web-cluster: publiclyAccessible is true, not false",
                "dynamodbTable orders: encryption is DEFAULT, not KMS",
            ] {
                scene.waits_for(&id, wrong).await;
            }
            scene.wait(600).await;
            let underway = DatabaseSettings {
                status: "modifying".to_owned(),
                ..DatabaseSettings::default()
            };
            stores(scene, underway, false, safe_table());
            scene.waits_for(&id, "status is modifying, not available").await;
            scene.wait(300).await;
            stores(scene, DatabaseSettings::default(), false, safe_table());
            scene.ends(&id, ExitState::Completed).await;
        },
    );
}

#[test]
fn a_database_that_is_not_there_stops_the_deployment() {
    scenario(
        "a-database-that-is-not-there-stops-the-deployment",
        "Nobody makes it within the hour: the deployment ends, and nothing had traffic.",
        async |scene| {
            given_stores(scene).await;
            stores(scene, DatabaseSettings::default(), false, safe_table());
            scene.cloud(|state| state.fleet.databases.remove("web-db"));
            scene.push('2', Behaviour::default());
            scene.runs(TARGET, ExitState::Aborted).await;
        },
    );
}

#[test]
fn an_alarm_leaves_data_stores_as_they_were_found() {
    scenario(
        "an-alarm-leaves-data-stores-as-they-were-found",
        "They were only looked at, so the way back asks nothing of RDS.",
        async |scene| {
            given_stores(scene).await;
            stores(scene, DatabaseSettings::default(), false, safe_table());
            scene.push('2', Behaviour::failing(20.0, 20));
            scene.runs(TARGET, ExitState::RolledBack).await;
        },
    );
}
