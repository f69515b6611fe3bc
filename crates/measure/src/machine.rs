//! What this machine is, and how busy it is with other things.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::results::Machine;

/// Describes this machine; `label` tells apart machines that are otherwise alike.
pub fn describe(label: Option<&str>) -> Result<Machine> {
    let cpuinfo = read("/proc/cpuinfo")?;
    let field = |name: &str| {
        cpuinfo
            .lines()
            .find_map(|line| line.split_once(':').filter(|(key, _)| key.trim() == name))
            .map(|(_, value)| value.trim().to_owned())
    };
    let cpu = field("model name")
        .or_else(|| field("Model"))
        .unwrap_or_else(|| format!("unknown {} CPU", std::env::consts::ARCH));
    let hypervisor = field("flags")
        .is_some_and(|flags| flags.split(' ').any(|flag| flag == "hypervisor"))
        .then(hypervisor_name);
    let cores = usable_cores()?.len();
    let memory_bytes = read("/proc/meminfo")?
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))
        .and_then(|rest| rest.trim().strip_suffix(" kB")?.parse::<u64>().ok())
        .map_or(0, |kib| kib * 1024);
    let mut id = format!("{cpu} {cores} cores");
    if let Some(name) = &hypervisor {
        id = format!("{id} {name}");
    }
    if let Some(label) = label {
        id = format!("{id} {label}");
    }
    Ok(Machine {
        id: slug(&id),
        cpu,
        cores,
        hypervisor,
        memory_bytes,
    })
}

/// The hypervisor's name where the system tells it.
fn hypervisor_name() -> String {
    // CPUID leaf 0x40000000 as the kernel's message log has it is not for every user; sysfs and DMI are.
    let vendor = std::fs::read_to_string("/sys/class/dmi/id/sys_vendor").unwrap_or_default();
    let lscpu = Command::new("lscpu")
        .env("LC_ALL", "C")
        .output()
        .map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
        .unwrap_or_default();
    lscpu
        .lines()
        .find_map(|line| line.strip_prefix("Hypervisor vendor:"))
        .map(|name| name.trim().to_owned())
        .or_else(|| (!vendor.trim().is_empty()).then(|| vendor.trim().to_owned()))
        .unwrap_or_else(|| "virtual machine".to_owned())
}

/// Lower-case letters, digits and single hyphens.
fn slug(text: &str) -> String {
    let mut slug = String::new();
    let plain = text.replace("(R)", "").replace("(TM)", "");
    for c in plain.chars() {
        if c.is_ascii_alphanumeric() {
            slug.push(c.to_ascii_lowercase());
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    slug.trim_end_matches('-').to_owned()
}

/// The kernel's name and release, without the host's name.
pub fn kernel() -> String {
    let uname = rustix::system::uname();
    format!(
        "{} {}",
        uname.sysname().to_string_lossy(),
        uname.release().to_string_lossy()
    )
}

/// The cores that this process may use, by number.
pub fn usable_cores() -> Result<Vec<usize>> {
    let set = rustix::thread::sched_getaffinity(None).context("cannot read the CPU affinity")?;
    Ok((0..rustix::thread::CpuSet::MAX_CPU)
        .filter(|&core| set.is_set(core))
        .collect())
}

/// CPU time that all processes and the hypervisor have used since boot, in seconds.
pub fn busy_seconds() -> Result<f64> {
    let stat = read("/proc/stat")?;
    let line = stat.lines().next().context("/proc/stat is empty")?;
    // Fields as proc_stat(5) names them: user nice system idle iowait irq softirq steal (guest times are part of user).
    let ticks: Vec<u64> = line
        .split_whitespace()
        .skip(1)
        .filter_map(|field| field.parse().ok())
        .collect();
    let busy: u64 = [0, 1, 2, 5, 6, 7].iter().filter_map(|&i| ticks.get(i)).sum();
    Ok(busy as f64 / rustix::param::clock_ticks_per_second() as f64)
}

fn read(path: &str) -> Result<String> {
    std::fs::read_to_string(Path::new(path)).with_context(|| format!("cannot read {path}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_has_a_name_that_can_be_a_folder() {
        assert_eq!(
            slug("Intel(R) Xeon(R) Processor @ 2.50GHz 2 cores KVM"),
            "intel-xeon-processor-2-50ghz-2-cores-kvm"
        );
        let machine = describe(Some("lab")).unwrap();
        assert!(machine.id.ends_with("-lab"), "{}", machine.id);
        assert!(machine.cores >= 1 && machine.memory_bytes > 0);
    }

    #[test]
    fn busy_time_grows_while_a_core_works() {
        let before = busy_seconds().unwrap();
        let start = std::time::Instant::now();
        let mut x = 0u64;
        while start.elapsed().as_millis() < 200 {
            x = std::hint::black_box(x + 1);
        }
        // At least half of it: the counters move in hundredths of a second.
        assert!(busy_seconds().unwrap() - before >= 0.1);
    }
}
