//! The comparison runs, and leaves what it promises: the figures themselves are nothing to test.

use std::{path::Path, process::Command};

use serde_json::Value;

#[test]
fn a_quick_comparison_measures_every_server_in_every_scenario() {
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join("load");
    let run = Command::new(env!("CARGO_BIN_EXE_mcp-session-load"))
        .args(["--quick", "--out"])
        .arg(&out)
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "{errors}");
    let json = std::fs::read(out.join("load.json")).unwrap();
    let figures: Value = serde_json::from_slice(&json).unwrap();
    let samples = figures["samples"].as_array().unwrap();
    assert_eq!(samples.len(), 6 * 3, "scenarios and servers");
    for sample in samples {
        let measured = ["per_second", "bytes"].map(|figure| sample[figure].as_f64());
        assert!(
            measured.iter().flatten().any(|figure| *figure > 0.0),
            "{sample}"
        );
    }
    let table = String::from_utf8(run.stdout).unwrap();
    assert_eq!(table.matches("| stateless call |").count(), 3, "{table}");
    let chart = std::fs::read_to_string(out.join("load.svg")).unwrap();
    // One for the background.
    assert_eq!(chart.matches("<rect ").count(), 1 + 6 * 3, "{chart}");
}
