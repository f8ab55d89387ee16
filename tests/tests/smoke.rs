//! A first look.
use tidegate_local::fleet::Behaviour;
use tidegate_local::stage::{Stage, play};
use tidegate_local::{Options, cloud::CloudError};

#[test]
fn canary() {
    let file = std::fs::read_to_string("../.deploy/production-config.yaml").unwrap();
    play(
        &Options::virtual_time(1),
        async |stage: Stage| -> Result<(), CloudError> {
            stage.golden("web", "production", 10);
            stage.wait(300).await;
            stage.apply("web/production", &file).await.unwrap();
            stage.push(
                "web",
                "v2",
                "sha256:2222222222222222222222222222222222222222222222222222222222222222",
                Behaviour::default(),
            );
            let id = stage.until_running("web/production").await;
            println!("{id:?}");
            let Some(id) = id else {
                println!("{:?}", stage.cloud.with(|s| s.runs.clone()));
                panic!("no deployment")
            };
            let end = stage.until_exit(&id, 7200).await;
            for e in stage.journal(&id).await {
                println!("{} {} {}", e.at, e.by, e.event.describe());
            }
            for line in stage.timeline(&id).await {
                println!("{line}");
            }
            println!("{:?}", end.unwrap().exit);
            stage.cloud.with(|s| {
                for r in s.runs.iter().filter(|r| r.error.is_some()) {
                    println!("{r:?}");
                }
                for (arn, e) in s.engine.executions() {
                    println!(
                        "{arn} {:?} transitions {} {:?} {:?}",
                        e.status(),
                        e.transitions(),
                        e.error(),
                        e.cause()
                    );
                }
            });
            stage.push(
                "web",
                "v3",
                "sha256:3333333333333333333333333333333333333333333333333333333333333333",
                Behaviour::failing(5.0, 25),
            );
            let id = stage.until_running("web/production").await.unwrap();
            let end = stage.until_exit(&id, 7200).await;
            for e in stage.journal(&id).await {
                println!("{} {} {}", e.at, e.by, e.event.describe());
            }
            for line in stage.timeline(&id).await {
                println!("{line}");
            }
            println!("{:?}", end.unwrap().exit);
            stage.cloud.with(|s| {
                for r in s.runs.iter().filter(|r| r.error.is_some()) {
                    println!("{r:?}");
                }
                for (arn, e) in s.engine.executions() {
                    println!(
                        "{arn} {:?} transitions {} {:?} {:?}",
                        e.status(),
                        e.transitions(),
                        e.error(),
                        e.cause()
                    );
                }
            });
            Ok(())
        },
    )
    .unwrap();
}
