//! What this machine is, and how busy it is with other things.

use std::collections::BTreeMap;
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
    let mut machine = Machine {
        id: String::new(),
        cpu,
        cores,
        hypervisor,
        memory_bytes,
    };
    machine.id = match label {
        Some(label) => slug(&format!("{} {label}", plain_id(&machine))),
        None => plain_id(&machine),
    };
    Ok(machine)
}

/// The name of a machine that was given no label.
fn plain_id(machine: &Machine) -> String {
    let hypervisor = machine.hypervisor.as_deref().unwrap_or_default();
    slug(&format!("{} {} cores {hypervisor}", machine.cpu, machine.cores))
}

/// The label that a machine was given when it was measured, as its name has it.
pub fn label(machine: &Machine) -> Option<&str> {
    machine.id.strip_prefix(&plain_id(machine))?.strip_prefix('-')
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

/// What the CPU says it can do.
pub fn cpu_flags() -> Result<String> {
    let cpuinfo = read("/proc/cpuinfo")?;
    // `flags` on x86, `Features` on ARM.
    let line = cpuinfo
        .lines()
        .find(|line| line.starts_with("flags") || line.starts_with("Features"));
    Ok(line
        .and_then(|line| line.split_once(':'))
        .map_or_else(String::new, |(_, flags)| flags.trim().to_owned()))
}

/// The cores that the control group may use at a time, where it limits them: `cpu.max` of cgroup v2, or its forerunner.
pub fn quota_cores() -> Option<f64> {
    let number = |text: &str| text.trim().parse::<f64>().ok().filter(|number| *number > 0.0);
    let file = |path: &str| std::fs::read_to_string(path).ok();
    if let Some(text) = file("/sys/fs/cgroup/cpu.max") {
        let (quota, period) = text.trim().split_once(' ')?;
        return Some(number(quota)? / number(period)?);
    }
    let quota = file("/sys/fs/cgroup/cpu/cpu.cfs_quota_us")?;
    let period = file("/sys/fs/cgroup/cpu/cpu.cfs_period_us")?;
    Some(number(&quota)? / number(&period)?)
}

/// The policy that chooses the first core's clock, where the machine shows it.
pub fn governor() -> Option<String> {
    let text = std::fs::read_to_string("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor").ok()?;
    Some(text.trim().to_owned())
}

/// Load average over the last minute.
pub(crate) fn load_average() -> Result<f64> {
    let text = read("/proc/loadavg")?;
    let first = text.split_whitespace().next().and_then(|field| field.parse().ok());
    first.with_context(|| format!("/proc/loadavg says `{}`", text.trim()))
}

/// How long some process has waited for a core since boot, in seconds; `None` where the kernel keeps no account of pressure.
pub(crate) fn cpu_pressure_seconds() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/pressure/cpu").ok()?;
    let some = text.lines().find(|line| line.starts_with("some "))?;
    let total = some.split(' ').find_map(|field| field.strip_prefix("total="))?;
    Some(total.parse::<f64>().ok()? / 1e6)
}

/// Time the hypervisor gave to others while this machine had work, since boot, in seconds, over all cores.
pub(crate) fn steal_seconds() -> Result<f64> {
    Ok(steal_ticks()? as f64 / rustix::param::clock_ticks_per_second() as f64)
}

/// The cores that this process may use, by number.
pub fn usable_cores() -> Result<Vec<usize>> {
    let set = rustix::thread::sched_getaffinity(None).context("cannot read the CPU affinity")?;
    Ok((0..rustix::thread::CpuSet::MAX_CPU)
        .filter(|&core| set.is_set(core))
        .collect())
}

/// CPU time that processes other than `own` and its descendants, and the hypervisor, have used since boot, in seconds.
///
/// Summed over processes, whose times the kernel keeps to the nanosecond before it rounds them. The machine's counters in the first
/// line of /proc/stat are sampled at the timer's ticks instead: a program that wakes up with the ticks, as timers do, is charged for more
/// than it took, and would look like somebody else's work.
pub(crate) fn foreign_seconds(own: u32) -> Result<f64> {
    let mut processes: BTreeMap<u32, (u32, u64)> = BTreeMap::new();
    for entry in std::fs::read_dir("/proc").context("cannot read /proc")? {
        let name = entry?.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        // A process that ended meanwhile has left its time to its parent.
        if let Ok(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat"))
            && let Some(read) = parent_and_ticks(&stat)
        {
            processes.insert(pid, read);
        }
    }
    let is_ours = |pid: u32| {
        let mut at = pid;
        // Bounded: ids may be reused while the list is read.
        for _ in 0..64 {
            if at == own {
                return true;
            }
            match processes.get(&at) {
                Some((parent, _)) => at = *parent,
                None => return false,
            }
        }
        false
    };
    let ticks: u64 = processes
        .iter()
        .filter(|(pid, _)| !is_ours(**pid))
        .map(|(_, (_, ticks))| ticks)
        .sum();
    Ok((ticks + steal_ticks()?) as f64 / rustix::param::clock_ticks_per_second() as f64)
}

/// Parent, and CPU time of a process and of its children that were waited for: fields 4 and 14 to 17 of proc_pid_stat(5).
fn parent_and_ticks(stat: &str) -> Option<(u32, u64)> {
    // The name in brackets may hold anything, brackets and blanks too.
    let fields: Vec<&str> = stat[stat.rfind(')')? + 1..].split_whitespace().collect();
    let parent = fields.get(1)?.parse().ok()?;
    let mut ticks = 0;
    for field in fields.get(11..15)? {
        ticks += field.parse::<i64>().ok()?.max(0) as u64;
    }
    Some((parent, ticks))
}

/// Time the hypervisor gave to others while this machine had work, in ticks.
fn steal_ticks() -> Result<u64> {
    let stat = read("/proc/stat")?;
    let line = stat.lines().next().context("/proc/stat is empty")?;
    // cpu user nice system idle iowait irq softirq steal: proc_stat(5).
    Ok(line
        .split_whitespace()
        .nth(8)
        .and_then(|field| field.parse().ok())
        .unwrap_or(0))
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
        assert_eq!(label(&machine), Some("lab"));
        assert_eq!(label(&describe(None).unwrap()), None);
        assert!(machine.cores >= 1 && machine.memory_bytes > 0);
    }

    #[test]
    fn only_what_others_use_is_foreign() {
        // Another process, and this one with a child, busy for the same time.
        let spin = |seconds: f64| {
            // By CPU time, so that a busy machine does not make it less.
            let script = format!("import time\nwhile time.process_time() < {seconds}: pass");
            let python = crate::python::Interpreter::choose(None, Path::new("target"))
                .unwrap()
                .path;
            std::process::Command::new(python)
                .args(["-c", &script])
                .spawn()
                .unwrap()
        };
        let mut child = spin(0.3);
        let me = std::process::id();
        let nobody = u32::MAX;
        let (ours, theirs) = (foreign_seconds(me).unwrap(), foreign_seconds(nobody).unwrap());
        child.wait().unwrap();
        let (ours, theirs) = (
            foreign_seconds(me).unwrap() - ours,
            foreign_seconds(nobody).unwrap() - theirs,
        );
        // Tests run beside this one may be anybody's, so only the difference is sure.
        assert!(theirs - ours >= 0.15, "{ours} {theirs}");
    }

    #[test]
    fn a_name_with_brackets_does_not_move_the_fields() {
        let stat = "7 (a) b (c) S 3 7 7 0 -1 0 1 2 3 4 10 20 30 40 20 0 1 0";
        assert_eq!(parent_and_ticks(stat), Some((3, 100)));
    }
}
