//! The figures as bars: processor time for each operation, and memory for each idle session.

use std::{fmt, fmt::Write};

use crate::figures::Figures;
use crate::scenarios::Scenario;
use crate::servers::Who;

const WIDTH: usize = 720;
/// Where bars begin, behind their names.
const LEFT: usize = 150;
/// How long the longest bar of a group is; its figure stands behind it.
const LONGEST: f64 = 440.0;
const BAR: usize = 16;
const STEP: usize = 20;
/// What a group needs beside its bars.
const TITLE: usize = 34;

/// An image of all medians. Each scenario has a scale of its own.
pub(crate) fn svg(figures: &Figures) -> Result<String, fmt::Error> {
    let group = TITLE + STEP * Who::ALL.len();
    let height = group * Scenario::ALL.len() + 20;
    let mut svg = String::new();
    writeln!(
        svg,
        r#"<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" font-size="12">"#
    )?;
    writeln!(
        svg,
        r##"<rect width="100%" height="100%" fill="#ffffff"/>"##
    )?;
    for (number, scenario) in Scenario::ALL.into_iter().enumerate() {
        let top = number * group + 24;
        let unit = match scenario {
            Scenario::Idle => "bytes for each",
            _ => "CPU \u{b5}s for each",
        };
        writeln!(
            svg,
            r#"<text x="12" y="{top}" font-weight="bold">{}, {unit}</text>"#,
            scenario.title()
        )?;
        bars(&mut svg, figures, scenario, top + 8)?;
    }
    svg.push_str("</svg>\n");
    Ok(svg)
}

fn bars(svg: &mut String, figures: &Figures, scenario: Scenario, top: usize) -> fmt::Result {
    let figure = |who| {
        let sample = figures.median(scenario, who);
        sample.cpu_us.or(sample.bytes)
    };
    let longest = Who::ALL.into_iter().filter_map(figure).fold(1.0, f64::max);
    for (number, who) in Who::ALL.into_iter().enumerate() {
        let Some(figure) = figure(who) else {
            continue;
        };
        let y = top + number * STEP;
        let (length, baseline) = (figure / longest * LONGEST, y + 12);
        let color = match who {
            Who::Ours => "#2f6f9f",
            Who::Floor => "#b8b8b8",
            Who::Rmcp => "#c98a3b",
        };
        writeln!(svg, r#"<text x="12" y="{baseline}">{}</text>"#, who.title())?;
        writeln!(
            svg,
            r#"<rect x="{LEFT}" y="{y}" width="{length:.1}" height="{BAR}" fill="{color}"/>"#
        )?;
        let behind = LEFT as f64 + length + 6.0;
        writeln!(
            svg,
            r#"<text x="{behind:.1}" y="{baseline}">{figure:.1}</text>"#
        )?;
    }
    Ok(())
}
