//! Where resources are, and the addresses at which AWS's console shows them.

use std::fmt::Write;

/// Partition, region and account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    partition: String,
    region: String,
    account: String,
}

impl Place {
    /// Where a resource is, by its ARN.
    pub fn of(arn: &str) -> Option<Self> {
        let parts: Vec<&str> = arn.splitn(6, ':').collect();
        let &["arn", partition, _, region, account, _] = &parts[..] else {
            return None;
        };
        Some(Self {
            partition: partition.to_owned(),
            region: region.to_owned(),
            account: account.to_owned(),
        })
    }

    /// Its region.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// Its account.
    pub fn account(&self) -> &str {
        &self.account
    }

    /// ARN of a CloudWatch alarm.
    pub fn alarm(&self, name: &str) -> String {
        self.arn("cloudwatch", &format!("alarm:{name}"))
    }

    /// ARN of a CloudWatch dashboard; they are of no region.
    pub fn dashboard_arn(&self, name: &str) -> String {
        format!(
            "arn:{}:cloudwatch::{}:dashboard/{name}",
            self.partition, self.account
        )
    }

    /// ARN of an ECS cluster, by its name.
    pub fn cluster(&self, name: &str) -> String {
        self.arn("ecs", &format!("cluster/{name}"))
    }

    /// ARN of an ECS service.
    pub fn ecs_service(&self, cluster: &str, name: &str) -> String {
        self.arn("ecs", &format!("service/{cluster}/{name}"))
    }

    /// ARN of the first revision of a task definition's family, which may be given by an ARN or `FAMILY:REVISION`.
    pub fn task_definition(&self, reference: &str) -> String {
        let name = reference.rsplit('/').next().unwrap_or(reference);
        let family = name.split(':').next().unwrap_or(name);
        self.arn("ecs", &format!("task-definition/{family}:1"))
    }

    /// ARN of a Lambda function, by `NAME` or `NAME:ALIAS`.
    pub fn function(&self, name: &str) -> String {
        self.arn("lambda", &format!("function:{name}"))
    }

    /// ARN of a DynamoDB table.
    pub fn table(&self, name: &str) -> String {
        self.arn("dynamodb", &format!("table/{name}"))
    }

    /// ARN of a database instance of RDS.
    pub fn database(&self, name: &str) -> String {
        self.arn("rds", &format!("db:{name}"))
    }

    /// ARN of a database cluster.
    pub fn cluster_of_databases(&self, name: &str) -> String {
        self.arn("rds", &format!("cluster:{name}"))
    }

    /// ARN of a snapshot of a database instance.
    pub fn snapshot(&self, name: &str) -> String {
        self.arn("rds", &format!("snapshot:{name}"))
    }

    /// ARN of a snapshot of a database cluster.
    pub fn cluster_snapshot(&self, name: &str) -> String {
        self.arn("rds", &format!("cluster-snapshot:{name}"))
    }

    /// ARN of an application of AppConfig, by its id.
    pub fn flags(&self, application: &str) -> String {
        self.arn("appconfig", &format!("application/{application}"))
    }

    /// ARN of a deployment strategy of AppConfig, by its id.
    pub fn flags_strategy(&self, id: &str) -> String {
        self.arn("appconfig", &format!("deploymentstrategy/{id}"))
    }

    /// ARN of a schedule of EventBridge Scheduler.
    pub fn schedule(&self, group: &str, name: &str) -> String {
        self.arn("scheduler", &format!("schedule/{group}/{name}"))
    }

    /// ARN of an object in S3, which has neither region nor account.
    pub fn object(&self, bucket: &str, key: &str) -> String {
        format!("arn:{}:s3:::{bucket}/{key}", self.partition)
    }

    /// ARN of a scalable target of Application Auto Scaling; its id says nothing.
    pub fn scalable_target(&self) -> String {
        self.arn("application-autoscaling", "scalable-target/0")
    }

    /// ARN of a parameter of Systems Manager, whose name may begin with a slash.
    pub fn parameter(&self, name: &str) -> String {
        self.arn("ssm", &format!("parameter/{}", name.trim_start_matches('/')))
    }

    /// ARN of a CloudFormation stack; its id says nothing.
    pub fn stack(&self, name: &str) -> String {
        self.arn("cloudformation", &format!("stack/{name}/0"))
    }

    /// ARN of a log group.
    pub fn log_group_arn(&self, name: &str) -> String {
        self.arn("logs", &format!("log-group:{name}:*"))
    }

    fn arn(&self, service: &str, resource: &str) -> String {
        let Self {
            partition,
            region,
            account,
        } = self;
        format!("arn:{partition}:{service}:{region}:{account}:{resource}")
    }

    /// Address of a CloudWatch dashboard.
    pub fn dashboard(&self, name: &str) -> String {
        format!(
            "{}/cloudwatch/home?region={}#dashboards/dashboard/{name}",
            self.console(),
            self.region
        )
    }

    /// Address of a log group.
    pub fn log_group(&self, name: &str) -> String {
        // The console escapes twice, and writes the percent sign as a dollar.
        let mut escaped = String::new();
        for byte in name.bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => {
                    escaped.push(char::from(byte))
                }
                byte => {
                    // Writing to a String can't fail.
                    let _ = write!(escaped, "$25{byte:02X}");
                }
            }
        }
        format!(
            "{}/cloudwatch/home?region={}#logsV2:log-groups/log-group/{escaped}",
            self.console(),
            self.region
        )
    }

    /// Address of an ECS service.
    pub fn service(&self, cluster: &str, name: &str) -> String {
        format!(
            "{}/ecs/v2/clusters/{cluster}/services/{name}/tasks?region={}",
            self.console(),
            self.region
        )
    }

    fn console(&self) -> String {
        let host = match self.partition.as_str() {
            "aws-cn" => "console.amazonaws.cn",
            "aws-us-gov" => "console.amazonaws-us-gov.com",
            _ => "console.aws.amazon.com",
        };
        format!("https://{}.{host}", self.region)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_of_the_region_and_the_partition() {
        let place = Place::of("arn:aws:ecs:eu-west-1:123456789012:task-definition/web:1").unwrap();
        assert_eq!(
            place.dashboard("web-production"),
            "https://eu-west-1.console.aws.amazon.com/cloudwatch/home?region=eu-west-1#dashboards/dashboard/web-production"
        );
        assert_eq!(
            place.log_group("/ecs/web"),
            "https://eu-west-1.console.aws.amazon.com/cloudwatch/home?region=eu-west-1#logsV2:log-groups/log-group/$252Fecs$252Fweb"
        );
        let china = Place::of("arn:aws-cn:ecs:cn-north-1:1:x").unwrap();
        assert!(
            china
                .service("c", "s")
                .starts_with("https://cn-north-1.console.amazonaws.cn/ecs/v2/clusters/c/")
        );
        assert_eq!(Place::of("web:1"), None);
    }

    #[test]
    fn each_partition_has_a_console_of_its_own() {
        for (partition, host) in [
            ("aws", "console.aws.amazon.com"),
            ("aws-cn", "console.amazonaws.cn"),
            ("aws-us-gov", "console.amazonaws-us-gov.com"),
        ] {
            let place = Place::of(&format!("arn:{partition}:ecs:r-1:1:x")).unwrap();
            let link = place.service("c", "s");
            assert!(link.starts_with(&format!("https://r-1.{host}/ecs/")), "{link}");
        }
    }
}
