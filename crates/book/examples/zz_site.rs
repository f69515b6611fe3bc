use book::*;
use measure::library::{Library, Source};
fn main() {
    let args: Vec<String> = std::env::args().collect();
    let root = std::path::Path::new(&args[2]);
    let site = Site::open(root).unwrap();
    let open = || {
        let site = Site::open(root)?;
        let mut lib = Library::open(root, &Source::Published { machine: site.reference_machine.clone() })?;
        for e in &mut lib.entries { if let Some(m) = &mut e.measured { m.stale.clear(); } }
        Ok::<_, anyhow::Error>((site, lib))
    };
    match args[1].as_str() {
        "build" => for _ in 0..3 { let t = std::time::Instant::now(); let (s, l) = open().unwrap(); let e = edition::build(&s, &l, &Default::default()).unwrap_or_else(|e| panic!("{e:#}")); println!("{:?} {:?}", t.elapsed(), e.iter().map(|e| e.elapsed).collect::<Vec<_>>()); }
        "check" => { let (s, l) = open().unwrap(); for d in edition::check(&s, &l).unwrap() { println!("{d}"); } }
        "update" => { let (s, l) = open().unwrap(); println!("{:?}", catalog::update(&s, &l, site.language("it").unwrap()).unwrap()); }
        "serve" => serve::serve(&site, 7411, |o| { let (s, l) = open()?; edition::build(&s, &l, o) }, |t| println!("{t}")).unwrap(),
        "preprocess" => { if args.get(4).map(String::as_str) == Some("supports") { std::process::exit(if preprocess::supports(&args[3], &args[5]).unwrap() {0} else {1}) }; preprocess::run(root, &args[3], std::io::stdin(), std::io::stdout()).unwrap() }
        _ => {}
    }
}
