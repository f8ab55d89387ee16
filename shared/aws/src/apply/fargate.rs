//! The sizes that a Fargate task can have.

use tidegate_core::cost::TaskSize;

/// A CPU value with the memory values that go with it, in MiB.
struct Row {
    cpu_units: u32,
    least: u32,
    most: u32,
    step: u32,
}

const fn row(cpu_units: u32, least: u32, most: u32, step: u32) -> Row {
    Row {
        cpu_units,
        least,
        most,
        step,
    }
}

/// Amazon ECS Developer Guide, "Amazon ECS task definition parameters for Fargate", task CPU and
/// memory (Linux).
const ROWS: [Row; 8] = [
    row(256, 512, 512, 512),
    row(256, 1024, 2048, 1024),
    row(512, 1024, 4096, 1024),
    row(1024, 2048, 8192, 1024),
    row(2048, 4096, 16_384, 1024),
    row(4096, 8192, 30_720, 1024),
    row(8192, 16_384, 61_440, 4096),
    row(16_384, 32_768, 122_880, 8192),
];

/// The smallest Fargate size that has at least this much of both; nothing where there is none.
///
/// Smallest means the least CPU first: memory costs a ninth of what CPU costs, by the unit.
pub fn round_up(wanted: TaskSize) -> Option<TaskSize> {
    ROWS.iter()
        .filter(|row| row.cpu_units >= wanted.cpu_units && row.most >= wanted.memory_mib)
        .map(|row| {
            let above = wanted.memory_mib.saturating_sub(row.least);
            let memory_mib = row.least + above.div_ceil(row.step) * row.step;
            TaskSize {
                cpu_units: row.cpu_units,
                memory_mib,
            }
        })
        .next()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rounded(cpu_units: u32, memory_mib: u32) -> Option<(u32, u32)> {
        round_up(TaskSize {
            cpu_units,
            memory_mib,
        })
        .map(|size| (size.cpu_units, size.memory_mib))
    }

    #[test]
    fn a_size_that_exists_stays_as_it_is() {
        for row in &ROWS {
            for memory in (row.least..=row.most).step_by(row.step as usize) {
                assert_eq!(rounded(row.cpu_units, memory), Some((row.cpu_units, memory)));
            }
        }
    }

    #[test]
    fn memory_goes_up_to_the_next_step() {
        assert_eq!(rounded(256, 513), Some((256, 1024)));
        assert_eq!(rounded(1024, 2049), Some((1024, 3072)));
        assert_eq!(rounded(8192, 16_385), Some((8192, 20_480)));
    }

    #[test]
    fn cpu_goes_up_where_the_memory_needs_it_and_memory_where_the_cpu_does() {
        assert_eq!(rounded(256, 3000), Some((512, 3072)));
        assert_eq!(rounded(2000, 512), Some((2048, 4096)));
        assert_eq!(rounded(300, 300), Some((512, 1024)));
        assert_eq!(rounded(1, 1), Some((256, 512)));
        assert_eq!(rounded(4096, 31_000), Some((8192, 32_768)));
    }

    #[test]
    fn what_is_too_large_has_no_size() {
        assert_eq!(rounded(16_385, 1), None);
        assert_eq!(rounded(1, 122_881), None);
        assert_eq!(rounded(u32::MAX, u32::MAX), None);
    }
}
