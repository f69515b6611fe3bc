//! How the work on a translation grows with the book: a generated one the size of ours, and one ten times as large.
//! `cargo bench -p book --bench translation`; with `--profile dev`, as fast as `cargo xtask` is.
//!
//! First it prints how much longer everything takes for the larger book: about ten times is as it should be, a hundred times would be
//! the square. Then come divan's own tables. Nothing depends on what it prints.

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::sync::OnceLock;
use std::time::Instant;

use book::edition::{self, Options};
use book::{Catalog, Site, catalog};
use divan::Bencher;
use divan::counter::ItemsCount;
use measure::library::{Library, Source};
use tempfile::TempDir;

const SIZES: [usize; 2] = [1, 10];

const BOOK: &str = r#"
[book]
title = "A Generated Book"
language = "en"
[build]
build-dir = "book/en"
[preprocessor.programs]
command = "false"
before = ["links"]
[preprocessor.gettext]
command = "false"
after = ["links"]
[preprocessor.measurements]
command = "false"
after = ["gettext"]
reference-machine = "m"
[output.html]
definition-lists = false
input-404 = ""
"#;

const LANGUAGES: &str = r#"
[[language]]
code = "en"
name = "English"
decimal = "."
thousands = ","
source = true
[[language]]
code = "it"
name = "Italiano"
decimal = ","
thousands = "."
"#;

const WORDS: &[&str] = &[
    "the",
    "loop",
    "runs",
    "a",
    "task",
    "at",
    "time",
    "and",
    "waits",
    "for",
    "what",
    "others",
    "send",
    "over",
    "their",
    "sockets",
    "while",
    "nothing",
    "else",
    "moves",
    "until",
    "it",
    "gives",
    "way",
    "then",
    "next",
    "one",
    "starts",
    "with",
    "memory",
    "that",
    "costs",
    "little",
    "because",
    "stacks",
    "are",
    "small",
    "so",
    "many",
    "thousands",
    "fit",
    "where",
    "threads",
    "would",
    "not",
];

/// A book on the disk, wholly translated.
struct Generated {
    folder: TempDir,
    site: Site,
    library: Library,
    messages: usize,
    /// `po/it.po` before a tenth of the text was changed, and as it is now.
    old: String,
    now: String,
}

impl Generated {
    /// Of `size` times 6 chapters, each of 80 paragraphs and some code.
    fn new(size: usize) -> Generated {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let write = |path: &str, text: &str| {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder can be made");
            fs::write(path, text).expect("a file can be written");
        };
        write("book.toml", BOOK);
        write("po/languages.toml", LANGUAGES);
        fs::create_dir(folder.path().join("examples")).expect("a folder can be made");
        let mut summary = "# Summary\n\n".to_owned();
        for number in 0..6 * size {
            writeln!(summary, "- [Chapter {number}](chapter-{number}.md)").expect("a string takes everything");
        }
        write("src/SUMMARY.md", &summary);
        let chapters = |changed: bool| {
            let mut random = Random(1);
            for number in 0..6 * size {
                write(
                    &format!("src/chapter-{number}.md"),
                    &chapter(number, &mut random, changed),
                );
            }
        };
        let site = Site::open(folder.path()).expect("a book");
        let library = Library::open(
            folder.path(),
            &Source::Published {
                machines: vec!["m".into()],
            },
        )
        .expect("no experiments");
        let italian = site.language("it").expect("a language");
        let update = || catalog::update(&site, &library, italian).expect("an update");
        let read = || fs::read_to_string(site.catalog_path(italian)).expect("a catalog");
        let translate = || {
            let path = site.catalog_path(italian);
            let mut catalog = Catalog::read(&path, &site.relative(&path)).expect("a catalog");
            for entry in &mut catalog.entries {
                entry.msgstr.clone_from(&entry.msgid);
                entry.flags.clear();
                entry.previous = None;
            }
            fs::write(path, catalog.to_po()).expect("a file can be written");
        };
        chapters(false);
        update();
        translate();
        let old = read();
        chapters(true);
        let messages = update().messages;
        translate();
        let now = read();
        Generated {
            folder,
            site,
            library,
            messages,
            old,
            now,
        }
    }

    /// Each made once: it takes longer than what is measured.
    fn of(size: usize) -> &'static Generated {
        static BOOKS: [OnceLock<Generated>; SIZES.len()] = [const { OnceLock::new() }; SIZES.len()];
        let place = SIZES.iter().position(|known| *known == size).expect("a known size");
        BOOKS[place].get_or_init(|| Generated::new(size))
    }

    fn write_catalog(&self, text: &str) {
        let path = self.site.catalog_path(self.site.language("it").expect("a language"));
        fs::write(path, text).expect("a file can be written");
    }
}

/// The same numbers in every run (Knuth's linear congruential generator).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound
    }
}

fn chapter(number: usize, random: &mut Random, changed: bool) -> String {
    let mut text = format!("# Chapter {number} {{#chapter-{number}}}\n\n");
    for paragraph in 0..80 {
        let words: Vec<&str> = (0..20 + random.below(60))
            .map(|_| WORDS[random.below(WORDS.len())])
            .collect();
        let mut words = words.join(" ");
        if changed && paragraph % 10 == 0 {
            words = words.replacen("the", "each", 3) + " again";
        }
        let line = match paragraph % 8 {
            0 => format!("## Section {number}.{paragraph} {{#s-{paragraph}}}\n\nHere {words}.\n\n"),
            1 => format!("- As {words}.\n- Or `x{paragraph}` {words}, once more.\n\n"),
            2 => format!("| a{number}.{paragraph} | b |\n|--|--|\n| {words} | [link](chapter-0.md) |\n\n"),
            3 => format!("```python\n# In {number}.{paragraph} {words}\nf({paragraph})\n```\n\n"),
            _ => format!("Now *{words}*, of `which` number {number}.{paragraph} is [one](chapter-0.md).\n\n"),
        };
        text.push_str(&line);
    }
    text
}

/// What is measured: a name, what goes before, the work.
type Task = (&'static str, fn(&Generated), fn(&Generated));

const READ: Task = (
    "read the catalog and write it",
    |_| {},
    |book| {
        let catalog = Catalog::parse(&book.now, Path::new("po/it.po")).expect("a catalog");
        divan::black_box(catalog.to_po());
    },
);
const UPDATE: Task = ("update, nothing changed", |book| book.write_catalog(&book.now), update);
const UPDATE_CHANGED: Task = (
    "update, every tenth paragraph changed",
    |book| book.write_catalog(&book.old),
    update,
);
const CHECK: Task = (
    "check",
    |book| book.write_catalog(&book.now),
    |book| {
        let italian = book.site.language("it").expect("a language");
        divan::black_box(
            catalog::check(&book.site, &book.library, italian, &catalog::Dictionaries::new()).expect("a check"),
        );
    },
);
const BUILD: Task = (
    "build both editions",
    |book| book.write_catalog(&book.now),
    |book| {
        edition::build(&book.site, &book.library, &Options::default()).expect("a build");
    },
);

fn update(book: &Generated) {
    let italian = book.site.language("it").expect("a language");
    catalog::update(&book.site, &book.library, italian).expect("an update");
}

fn main() {
    for size in SIZES {
        let book = Generated::of(size);
        println!(
            "{size:>2} times ours: {} messages, {} bytes of catalog",
            book.messages,
            book.now.len()
        );
    }
    println!("{:<40}{:>10}{:>10}{:>8}", "", "ours", "ten times", "ratio");
    for (name, prepare, work) in [READ, UPDATE, UPDATE_CHANGED, CHECK, BUILD] {
        // The fastest of three: what else the machine does only adds.
        let seconds = SIZES.map(|size| {
            let book = Generated::of(size);
            let runs = (0..3).map(|_| {
                prepare(book);
                let began = Instant::now();
                work(book);
                began.elapsed().as_secs_f64()
            });
            runs.fold(f64::INFINITY, f64::min)
        });
        let [ours, larger] = seconds;
        println!("{name:<40}{ours:>8.3} s{larger:>8.3} s{:>8.1}", larger / ours);
    }
    divan::main();
    // A static is never dropped, and the folder would stay.
    for size in SIZES {
        fs::remove_dir_all(Generated::of(size).folder.path()).expect("the folder can be removed");
    }
}

fn bench(bencher: Bencher, size: usize, (_, prepare, work): Task) {
    let book = Generated::of(size);
    bencher
        .counter(ItemsCount::new(book.messages))
        .with_inputs(|| prepare(book))
        .bench_local_values(|()| work(book));
}

#[divan::bench(args = SIZES, sample_count = 10)]
fn read(bencher: Bencher, size: usize) {
    bench(bencher, size, READ);
}

#[divan::bench(args = SIZES, sample_count = 3)]
fn update_nothing_changed(bencher: Bencher, size: usize) {
    bench(bencher, size, UPDATE);
}

#[divan::bench(args = SIZES, sample_count = 3)]
fn update_every_tenth_paragraph_changed(bencher: Bencher, size: usize) {
    bench(bencher, size, UPDATE_CHANGED);
}

#[divan::bench(args = SIZES, sample_count = 3)]
fn check(bencher: Bencher, size: usize) {
    bench(bencher, size, CHECK);
}

#[divan::bench(args = SIZES, sample_count = 3)]
fn build(bencher: Bencher, size: usize) {
    bench(bencher, size, BUILD);
}
