//! Shapes and text of a drawing.
//!
//! A drawing is [`WIDTH`] units wide whatever it shows and grows downwards. The page scales it to between about 350 pixels (a phone)
//! and 560, so that text of 14 units is read in 11 to 18 pixels.

use std::fmt::Write;

use super::plain;

pub const WIDTH: f64 = 440.0;
/// Where the axis begins and ends: room for half a label on either side.
pub const LEFT: f64 = 24.0;
pub const RIGHT: f64 = WIDTH - 24.0;

/// Colours where the page names none: those of Okabe and Ito, told apart by the colour-blind.
const COLOURS: [&str; 8] = [
    "#0072b2", "#d55e00", "#009e73", "#aa4499", "#b8860b", "#3a9bd9", "#7a4b1e", "#555555",
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    Start,
    Middle,
    End,
}

/// How text looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    Heading,
    Label,
    /// Ticks and the title of an axis.
    Small,
}

impl Style {
    pub fn size(self) -> f64 {
        match self {
            Style::Heading | Style::Label => 14.0,
            Style::Small => 12.5,
        }
    }
}

/// A drawing as it grows.
#[derive(Default)]
pub struct Svg {
    body: String,
}

impl Svg {
    pub fn text(&mut self, x: f64, y: f64, anchor: Anchor, style: Style, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let weight = if style == Style::Heading {
            " font-weight=\"600\""
        } else {
            ""
        };
        self.add(format_args!(
            "<text x=\"{}\" y=\"{}\" text-anchor=\"{anchor}\" font-size=\"{}\"{weight}>{}</text>",
            short(x),
            short(y),
            style.size(),
            plain(text)
        ));
    }

    /// A line in the colour of the text.
    pub fn line(&mut self, from: (f64, f64), to: (f64, f64), opacity: f64) {
        self.add(format_args!(
            "<line x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\" stroke=\"currentColor\" stroke-opacity=\"{opacity}\"/>",
            short(from.0),
            short(from.1),
            short(to.0),
            short(to.1)
        ));
    }

    /// A line in the colour of a series.
    pub fn stroke(&mut self, series: usize, from: (f64, f64), to: (f64, f64)) {
        self.add(format_args!(
            "<line x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\" stroke-width=\"2\" style=\"stroke:{}\"/>",
            short(from.0),
            short(from.1),
            short(to.0),
            short(to.1),
            colour(series)
        ));
    }

    /// A line through points that nobody measured: broken, in the colour of the text.
    pub fn guide(&mut self, points: &[(f64, f64)]) {
        let points: Vec<String> = points
            .iter()
            .map(|(x, y)| format!("{},{}", short(*x), short(*y)))
            .collect();
        self.add(format_args!(
            "<polyline points=\"{}\" fill=\"none\" stroke=\"currentColor\" stroke-opacity=\"0.7\" stroke-dasharray=\"2 3\"/>",
            points.join(" ")
        ));
    }

    /// A line through points, in the colour of a series; broken from the ninth on, whose colours have stood before.
    pub fn path(&mut self, series: usize, points: &[(f64, f64)]) {
        let points: Vec<String> = points
            .iter()
            .map(|(x, y)| format!("{},{}", short(*x), short(*y)))
            .collect();
        self.add(format_args!(
            "<polyline points=\"{}\" fill=\"none\" stroke-width=\"1.5\"{} style=\"stroke:{}\"/>",
            points.join(" "),
            if series < COLOURS.len() {
                ""
            } else {
                " stroke-dasharray=\"5 3\""
            },
            colour(series)
        ));
    }

    pub fn bar(&mut self, series: usize, x: f64, y: f64, width: f64, height: f64) {
        self.add(format_args!(
            "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" style=\"fill:{}\"/>",
            short(x),
            short(y),
            // A wait too short to be drawn to scale is still seen.
            short(width.max(1.0)),
            short(height),
            colour(series)
        ));
    }

    /// The mark of a series, with its centre at `x`, `y`. Each of the first eight has a shape of its own, to be told apart in black and
    /// white; the next have their colours again, each with another shape than before.
    pub fn mark(&mut self, series: usize, x: f64, y: f64) {
        let at = |points: &[(f64, f64)]| {
            points
                .iter()
                .map(|(dx, dy)| format!("{},{}", short(x + dx), short(y + dy)))
                .collect::<Vec<_>>()
                .join(" ")
        };
        let fill = colour(series);
        let polygon = |points: &[(f64, f64)]| format!("<polygon points=\"{}\" style=\"fill:{fill}\"/>", at(points));
        let shape = match (series + series / COLOURS.len() * 3) % COLOURS.len() {
            0 => format!(
                "<circle cx=\"{}\" cy=\"{}\" r=\"5.5\" style=\"fill:{fill}\"/>",
                short(x),
                short(y)
            ),
            1 => polygon(&[(-5.0, -5.0), (5.0, -5.0), (5.0, 5.0), (-5.0, 5.0)]),
            2 => polygon(&[(0.0, -7.0), (7.0, 0.0), (0.0, 7.0), (-7.0, 0.0)]),
            3 => polygon(&[(0.0, -6.5), (6.5, 5.0), (-6.5, 5.0)]),
            4 => polygon(&[(0.0, 6.5), (6.5, -5.0), (-6.5, -5.0)]),
            // An upright cross.
            5 => polygon(&[
                (-2.0, -6.5),
                (2.0, -6.5),
                (2.0, -2.0),
                (6.5, -2.0),
                (6.5, 2.0),
                (2.0, 2.0),
                (2.0, 6.5),
                (-2.0, 6.5),
                (-2.0, 2.0),
                (-6.5, 2.0),
                (-6.5, -2.0),
                (-2.0, -2.0),
            ]),
            // An hourglass.
            6 => polygon(&[(-6.0, -6.0), (6.0, -6.0), (-6.0, 6.0), (6.0, 6.0)]),
            _ => format!(
                "<circle cx=\"{}\" cy=\"{}\" r=\"4.5\" stroke-width=\"2.5\" style=\"fill:var(--bg, #fff);stroke:{fill}\"/>",
                short(x),
                short(y)
            ),
        };
        self.add(format_args!("{shape}"));
    }

    /// A small mark for one of many: a disc, or an open square for every second series.
    pub fn dot(&mut self, series: usize, x: f64, y: f64) {
        let colour = colour(series);
        if series.is_multiple_of(2) {
            self.add(format_args!(
                "<circle class=\"dot\" cx=\"{}\" cy=\"{}\" r=\"3.2\" fill-opacity=\"0.75\" style=\"fill:{colour}\"/>",
                short(x),
                short(y)
            ));
        } else {
            self.add(format_args!(
                "<rect class=\"dot\" x=\"{}\" y=\"{}\" width=\"5.6\" height=\"5.6\" fill=\"none\" stroke-width=\"1.5\" \
                 style=\"stroke:{colour}\"/>",
                short(x - 2.8),
                short(y - 2.8)
            ));
        }
    }

    /// What follows, up to [`Svg::close`], is one value, and this is told of it when it is pointed at. Its mark may be small: the place around
    /// it answers too.
    pub fn open(&mut self, told: &str, (x, y): (f64, f64)) {
        self.add(format_args!(
            "<g class=\"point\"><title>{}</title><circle cx=\"{}\" cy=\"{}\" r=\"11\" fill=\"none\" pointer-events=\"all\"/>",
            plain(told),
            short(x),
            short(y)
        ));
    }

    pub fn close(&mut self) {
        self.add(format_args!("</g>"));
    }

    fn add(&mut self, shape: std::fmt::Arguments<'_>) {
        writeln!(self.body, "{shape}").expect("a string takes what it is given");
    }

    /// The whole element. `id` is the figure's, with a number where a figure has several drawings.
    pub fn finish(self, id: &str, height: f64, title: &str, description: &str) -> String {
        format!(
            "<svg viewBox=\"0 0 {WIDTH} {}\" role=\"img\" aria-labelledby=\"{id}-title {id}-desc\" fill=\"currentColor\" \
             style=\"display:block;width:100%;max-width:560px;margin:0 auto 0.8em\">\n\
             <title id=\"{id}-title\">{}</title>\n<desc id=\"{id}-desc\">{}</desc>\n{}</svg>\n",
            short(height),
            plain(title),
            plain(description),
            self.body
        )
    }
}

/// Text broken into lines of at most `width` units, by what letters take on average. A word longer than that stands by itself.
pub fn wrap(text: &str, width: f64) -> Vec<String> {
    let fits = |line: &str| extent(line) <= width;
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if fits(&format!("{line} {word}")) => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    if lines.is_empty() {
        lines.push(String::new());
    }
    lines
}

/// How wide a label is, in units, within some per cent: the page's font is not known here.
pub fn extent(text: &str) -> f64 {
    text.chars().count() as f64 * 7.4
}

fn colour(series: usize) -> String {
    let series = series % COLOURS.len();
    format!("var(--series-{}, {})", series + 1, COLOURS[series])
}

/// A coordinate with at most one decimal.
fn short(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map(str::to_owned).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_break_between_words() {
        assert_eq!(wrap("asyncio streams", 150.0), ["asyncio streams"]);
        assert_eq!(wrap("asyncio streams", 90.0), ["asyncio", "streams"]);
        assert_eq!(wrap("reqwest", 10.0), ["reqwest"]);
        assert_eq!(wrap("", 10.0), [""]);
    }

    #[test]
    fn text_is_escaped_and_coordinates_are_short() {
        let mut svg = Svg::default();
        svg.text(1.0, 2.25, Anchor::End, Style::Label, "a < b");
        assert!(
            svg.body.contains("x=\"1\" y=\"2.2\"") && svg.body.contains("a &lt; b"),
            "{}",
            svg.body
        );
    }

    #[test]
    fn the_first_eight_series_differ_in_colour_and_shape() {
        let marks: std::collections::BTreeSet<String> = (0..8)
            .map(|series| {
                let mut svg = Svg::default();
                svg.mark(series, 0.0, 0.0);
                // The shape alone.
                svg.body.split("style").next().unwrap().to_owned()
            })
            .collect();
        assert_eq!(marks.len(), 8);
        assert_eq!((0..8).map(colour).collect::<std::collections::BTreeSet<_>>().len(), 8);
    }

    #[test]
    fn no_two_series_of_twenty_four_look_the_same() {
        let marks: std::collections::BTreeSet<String> = (0..24)
            .map(|series| {
                let mut svg = Svg::default();
                svg.mark(series, 0.0, 0.0);
                svg.body
            })
            .collect();
        assert_eq!(marks.len(), 24);
    }

    #[test]
    fn lines_whose_colour_has_stood_before_are_broken() {
        let line = |series| {
            let mut svg = Svg::default();
            svg.path(series, &[(0.0, 0.0), (1.0, 1.0)]);
            svg.body
        };
        assert!(!line(0).contains("dasharray") && line(8).contains("dasharray"));
    }
}
