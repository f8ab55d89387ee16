//! Backups that are taken before anything is changed.

use tidegate_core::exit::ExitState;
use tidegate_local::faults::CallFate;
use tidegate_local::fleet::{Behaviour, Database, ServiceTable};
use tidegate_tests::Scene;
use tidegate_tests::files::SHORT;

use crate::scenario;

const TARGET: &str = "web/production";

const BACKS_UP: &str = "\
prepare:
  suspendAutoscaling: true
  backups:
    - {table: orders}
    - {database: web-db}
";

/// A column that only a backup brings back.
const DROPS: &str = "\
migrations:
  - {name: drop-fax, command: [bin/migrate, up, drop-fax], undo: needs-restore}
";

/// A table and a database, of which a snapshot takes three minutes.
async fn given(scene: &Scene, file: &str) {
    scene.given(TARGET, 5, &format!("{SHORT}{file}")).await;
    scene.cloud(|state| {
        state.fleet.register_scalable("production", "web-blue", 3, 12);
        let table = ServiceTable {
            bytes: 812 << 20,
            ..ServiceTable::default()
        };
        state.fleet.service_tables.insert("orders".to_owned(), table);
        let database = Database {
            gibibytes: 100,
            snapshot_seconds: 180,
            ..Database::default()
        };
        state.fleet.databases.insert("web-db".to_owned(), database);
    });
}

/// How many backups there are of each.
fn taken(scene: &Scene) -> (usize, usize) {
    scene.cloud(|state| {
        let count = |of| state.fleet.backups_of(of).len();
        (count("orders"), count("web-db"))
    })
}

#[test]
fn backups_are_complete_before_anything_is_changed() {
    scenario(
        "backups-are-complete-before-anything-is-changed",
        "The table's, then the database's; only then autoscaling is suspended.",
        async |scene| {
            given(scene, BACKS_UP).await;
            scene.push('2', Behaviour::default());
            let id = scene.started(TARGET).await;
            scene.waits_for(&id, "backup:database:web-db").await;
            let suspended = scene.cloud(|state| {
                let target = state.fleet.scalable("production", "web-blue");
                target.map(|target| target.out_suspended)
            });
            assert_eq!(suspended, Some(false));
            scene.ends(&id, ExitState::Completed).await;
            assert_eq!(taken(scene), (1, 1));
        },
    );
}

#[test]
fn a_backup_that_fails_stops_the_deployment_before_anything_is_touched() {
    scenario(
        "a-backup-that-fails-stops-the-deployment-before-anything-is-touched",
        "RDS gives the snapshot up: nothing was changed, and the next deployment takes another.",
        async |scene| {
            given(scene, BACKS_UP).await;
            let fail = |fails: bool| {
                scene.cloud(|state| {
                    let database = state.fleet.databases.get_mut("web-db");
                    database.map(|one| one.snapshots_fail = fails)
                })
            };
            fail(true);
            scene.push('2', Behaviour::default());
            scene.runs(TARGET, ExitState::Aborted).await;
            fail(false);
            scene.push('3', Behaviour::default());
            scene.runs(TARGET, ExitState::Completed).await;
            assert_eq!(taken(scene), (2, 2));
        },
    );
}

/// A cluster, and what only a snapshot of it brings back.
const CLUSTER: &str = "\
checkPermissions: true
prepare: {backups: [{cluster: web-cluster, timeout: 10m}]}
";

/// A cluster of Aurora, of which a snapshot takes so long (seconds).
async fn given_cluster(scene: &Scene, more: &str, snapshot_seconds: u32) {
    scene.given(TARGET, 5, &format!("{SHORT}{CLUSTER}{more}")).await;
    let cluster = Database {
        gibibytes: 1,
        snapshot_seconds,
        ..Database::default()
    };
    scene.cloud(|state| {
        let clusters = &mut state.fleet.clusters_of_databases;
        clusters.insert("web-cluster".to_owned(), cluster)
    });
}

fn snapshots(scene: &Scene) -> Vec<String> {
    scene.cloud(|state| state.fleet.backups_of("web-cluster"))
}

#[test]
fn a_cluster_is_backed_up_once_and_named_to_whoever_restores_it() {
    scenario(
        "a-cluster-is-backed-up-once-and-named-to-whoever-restores-it",
        "The function dies once RDS has begun the snapshot: the next run finds it. An alarm then needs what only it has.",
        async |scene| {
            given_cluster(scene, DROPS, 180).await;
            scene.cloud(|state| {
                let killed = ("prepare", "CreateDBClusterSnapshot", CallFate::KillAfter);
                state.faults.numbered.next.push(killed);
            });
            scene.push('2', Behaviour::failing(20.0, 20));
            let ended = scene.runs(TARGET, ExitState::RollbackFailed).await;
            let remedy = ended.exit.and_then(|exit| exit.remedy).unwrap();
            let taken = snapshots(scene);
            assert_eq!(taken.len(), 1);
            assert!(taken[0].len() <= 63, "{taken:?}");
            let named = format!("cluster-snapshot:{}", taken[0]);
            assert!(remedy.contains(&named), "{remedy}");
            scene.cloud(|state| assert_eq!(state.faults.numbered.next, []));
        },
    );
}

#[test]
fn a_cluster_whose_snapshot_takes_too_long_stops_the_deployment() {
    scenario(
        "a-cluster-whose-snapshot-takes-too-long-stops-the-deployment",
        "After its ten minutes nothing was touched, and the snapshot goes on by itself.",
        async |scene| {
            given_cluster(scene, "", 900).await;
            scene.push('2', Behaviour::default());
            scene.runs(TARGET, ExitState::Aborted).await;
            assert_eq!(snapshots(scene).len(), 1);
        },
    );
}

#[test]
fn a_cluster_that_does_not_exist_stops_the_deployment_with_awss_answer() {
    scenario(
        "a-cluster-that-does-not-exist-stops-the-deployment-with-awss-answer",
        "There is no such cluster, and RDS says so: nobody would find out after the accident.",
        async |scene| {
            given_cluster(scene, "", 900).await;
            scene.cloud(|state| state.fleet.clusters_of_databases.clear());
            scene.push('2', Behaviour::default());
            let ended = scene.runs(TARGET, ExitState::Aborted).await;
            let reason = ended.exit.unwrap().reason;
            assert!(reason.contains("DBClusterNotFoundFault"), "{reason}");
            assert_eq!(snapshots(scene).len(), 0);
        },
    );
}

#[test]
fn a_table_that_does_not_exist_stops_the_deployment_with_awss_answer() {
    scenario(
        "a-table-that-does-not-exist-stops-the-deployment-with-awss-answer",
        "What the file says to back up is not there: nobody would find out after the accident.",
        async |scene| {
            given(scene, BACKS_UP).await;
            scene.cloud(|state| state.fleet.service_tables.remove("orders"));
            scene.push('2', Behaviour::default());
            scene.runs(TARGET, ExitState::Aborted).await;
            assert_eq!(taken(scene), (0, 0));
        },
    );
}

#[test]
fn a_function_that_dies_leaves_one_backup_of_each() {
    scenario(
        "a-function-that-dies-leaves-one-backup-of-each",
        "It dies once AWS has begun each: the next run finds them by the deployment's name.",
        async |scene| {
            given(scene, BACKS_UP).await;
            scene.cloud(|state| {
                let next = &mut state.faults.numbered.next;
                next.push(("prepare", "CreateBackup", CallFate::KillAfter));
                next.push(("prepare", "CreateDBSnapshot", CallFate::KillAfter));
            });
            scene.push('2', Behaviour::default());
            scene.runs(TARGET, ExitState::Completed).await;
            assert_eq!(taken(scene), (1, 1));
            scene.cloud(|state| assert_eq!(state.faults.numbered.next, []));
        },
    );
}

#[test]
fn what_only_a_backup_brings_back_names_the_backup() {
    scenario(
        "what-only-a-backup-brings-back-names-the-backup",
        "Traffic is safe on stable; the person who is called reads what to restore from.",
        async |scene| {
            given(scene, &format!("{BACKS_UP}{DROPS}")).await;
            scene.push('2', Behaviour::failing(20.0, 20));
            let ended = scene.runs(TARGET, ExitState::RollbackFailed).await;
            let remedy = ended.exit.and_then(|exit| exit.remedy).unwrap();
            let snapshot = scene.cloud(|state| state.fleet.backups_of("web-db"));
            assert!(remedy.contains(&snapshot[0]), "{remedy}");
        },
    );
}

#[test]
fn a_rollback_by_hand_names_the_backup_that_the_deployment_took() {
    scenario(
        "a-rollback-by-hand-names-the-backup-that-the-deployment-took",
        "The completed deployment's record says where its backups are; the rollback takes none.",
        async |scene| {
            given(scene, &format!("{BACKS_UP}{DROPS}")).await;
            scene.push('2', Behaviour::default());
            let id = scene.started(TARGET).await;
            scene.ends(&id, ExitState::Completed).await;
            scene.wait(300).await;
            let back = scene.stop("olaf", "rollback", &id).await.unwrap();
            let ended = scene.ends(&back, ExitState::RollbackFailed).await;
            let remedy = ended.exit.and_then(|exit| exit.remedy).unwrap();
            assert!(remedy.contains("database web-db (100 GiB in arn:"), "{remedy}");
            assert_eq!(taken(scene), (1, 1));
        },
    );
}
